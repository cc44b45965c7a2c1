"""One stack in memory for each test that asks for it."""

from typing import Any

import pytest

from django_offload.testing import Offload
from tests.contract.setup import TASK_MODULES, tasks_setting
from tests.reliability import tasks
from tests.reliability.line import MemoryLine


@pytest.fixture
def line(settings: Any, request: pytest.FixtureRequest) -> MemoryLine:
    settings.TASKS = tasks_setting(modules=["tests.reliability.tasks", *TASK_MODULES])
    tasks.executions.clear()
    tasks.first.clear()
    site: Offload = request.getfixturevalue("offload")
    return MemoryLine(site)
