"""AWS on this machine, for what the pages have people type."""

import pytest

from tests.contract.setup import tasks_setting
from tests.docs.world import MODULES, World


@pytest.fixture
def world(settings, monkeypatch, request, transactional_db, tmp_path):
    """Return a project with its stack, in which symptoms can be brought about."""
    settings.TASKS = tasks_setting(modules=MODULES)
    aws = request.getfixturevalue("offload_aws")
    return World(aws=aws, settings=settings, patch=monkeypatch, folder=tmp_path)
