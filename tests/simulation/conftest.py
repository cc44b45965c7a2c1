"""Fixtures of the simulation."""

import logging

import pytest

from .deploys import deploy
from .setup import tasks_setting


@pytest.fixture
def simulated(settings):
    """TASKS as the simulation needs it, and no logs: what is logged by the thousand here is expected."""
    settings.TASKS = tasks_setting()
    logging.disable(logging.CRITICAL)
    deploy(None)
    yield
    logging.disable(logging.NOTSET)
