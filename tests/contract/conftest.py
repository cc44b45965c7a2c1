"""Every contract runs in memory and through moto; Django's on both backends too."""

import pytest

from django_offload.conf import configured
from django_offload.stores import store_of
from django_offload.stores.memory import MemoryStore
from tests.contract.setup import TASK_MODULES, tasks_setting


@pytest.fixture(params=["SQSBackend", "LambdaBackend"])
def backend(request):
    return request.param


@pytest.fixture(params=["memory", "moto"])
def offloaded(request, backend, settings):
    """What runs the tasks, with `backend` as the default one."""
    settings.TASKS = tasks_setting(backend, modules=TASK_MODULES)
    return request.getfixturevalue({"memory": "offload", "moto": "offload_aws"}[request.param])


@pytest.fixture(params=["memory", "moto"])
def store(request, settings):
    if request.param == "memory":
        return MemoryStore()
    settings.TASKS = tasks_setting(modules=TASK_MODULES)
    request.getfixturevalue("offload_aws")
    return store_of(configured()["default"])
