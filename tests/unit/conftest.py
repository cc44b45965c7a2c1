"""What unit tests share: TASKS with one stack and two backends of ours, and a local AWS that answers."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.contract.setup import tasks_setting

# On a busy machine an example may take long without being wrong.
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


@pytest.fixture
def ours(settings):
    """Return TASKS, with the task modules of the unit tests."""
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks", "tests.contract.tasks"], in_tests="memory")
    return settings.TASKS


@pytest.fixture
def running_session():
    """
    Return what describes a local AWS with the stack "shop-dev" that answers for itself.

    Only its port of Lambda exists.
    """
    from django_offload.aws.development import Session
    from django_offload.local.environment import variables
    from django_offload.local.guard import new_access_key
    from django_offload.local.lambda_.async_invocations import AsyncInvocations
    from django_offload.local.lambda_.invoke_api import InvokeApi
    from tests.unit.local.fakes import FakeFunctions, FakeInvoker, function

    key, token, invoker = new_access_key(), "f" * 32, FakeInvoker()
    api = InvokeApi(
        functions=FakeFunctions(function()),
        invoker=invoker,
        async_invocations=AsyncInvocations(invoker),
        moto_port=9,
        access_key=key,
        token=token,
    )
    api.start()
    endpoints = variables(
        "http://127.0.0.1:9", region="eu-north-1", access_key=key, lambda_endpoint=api.endpoint
    )
    yield Session(process=os.getpid(), token=token, stacks=("shop-dev", "other-dev"), variables=endpoints)
    api.stop()
