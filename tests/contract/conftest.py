"""Every contract runs in memory and through moto, with each client of AWS; Django's also on both backends."""

import pytest

from django_offload.conf import CLIENTS, configured
from django_offload.stores import store_of
from django_offload.stores.memory import MemoryStore
from tests.contract import runaway_tasks
from tests.contract.setup import TASK_MODULES, tasks_setting


@pytest.fixture(params=["SQSBackend", "LambdaBackend"])
def backend(request):
    return request.param


PLACES = ["memory", *CLIENTS]


@pytest.fixture(params=PLACES)
def offloaded(request, backend, settings):
    """The fixture that runs the tasks, with `backend` as the default backend."""
    if request.param == "memory":
        settings.TASKS = tasks_setting(backend, modules=TASK_MODULES)
        return request.getfixturevalue("offload")
    settings.TASKS = tasks_setting(backend, modules=TASK_MODULES, client=request.param)
    return request.getfixturevalue("offload_aws")


@pytest.fixture(params=PLACES)
def store(request, settings):
    if request.param == "memory":
        return MemoryStore()
    settings.TASKS = tasks_setting(modules=TASK_MODULES, client=request.param)
    request.getfixturevalue("offload_aws")
    return store_of(configured()["default"])


@pytest.fixture
def runaways(settings, request):
    """Return a function that gives the stack of the tasks that run away these options, and a place to run."""

    def with_options(place="memory", **options):
        runaway_tasks.forget()
        client = {} if place == "memory" else {"client": place}
        settings.TASKS = tasks_setting(modules=["tests.contract.runaway_tasks"], **client, **options)
        return request.getfixturevalue("offload" if place == "memory" else "offload_aws")

    return with_options
