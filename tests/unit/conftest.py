"""TASKS of the unit tests: one stack, two backends of ours."""

import pytest

from tests.contract.setup import tasks_setting


@pytest.fixture
def ours(settings):
    """Return TASKS, with the task modules of the unit tests."""
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks", "tests.contract.tasks"], in_tests="memory")
    return settings.TASKS
