"""Every contract runs in memory and through moto; Django's on both backends too."""

import pytest

from tests.contract.setup import TASK_MODULES, tasks_setting


@pytest.fixture(params=["SQSBackend", "LambdaBackend"])
def backend(request):
    return request.param


@pytest.fixture(params=["memory", "moto"])
def offloaded(request, backend, settings):
    """What runs the tasks, with `backend` as the default one."""
    settings.TASKS = tasks_setting(backend, modules=TASK_MODULES)
    return request.getfixturevalue({"memory": "offload", "moto": "offload_aws"}[request.param])
