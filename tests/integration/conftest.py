"""TASKS and AWS of the integration tests."""

import pytest
from django.contrib.auth.models import User

from tests.contract.setup import tasks_setting
from tests.integration import tasks
from tests.integration.probing import meanwhile, no_metrics, sweeper_ran
from tests.integration.setup import MODULES, Queues


@pytest.fixture
def clean_trace():
    tasks.RUNS.clear()
    tasks.HOOKS.clear()


@pytest.fixture
def aws(request, settings, clean_trace, transactional_db):
    """AWS on this machine, with SQSBackend as the default backend."""
    settings.TASKS = tasks_setting(modules=MODULES)
    return request.getfixturevalue("offload_aws")


@pytest.fixture(params=["SQSBackend", "LambdaBackend"])
def both(request, settings, clean_trace, transactional_db):
    """AWS on this machine, once with each backend as the default one."""
    settings.TASKS = tasks_setting(request.param, modules=MODULES)
    return request.getfixturevalue("offload_aws")


@pytest.fixture
def queues(aws):
    return Queues(aws.client("sqs"))


@pytest.fixture
def staff(client, transactional_db):
    """A browser of somebody who may see and cancel every task."""
    # Without a password: to hash one takes a second.
    client.force_login(User.objects.create_user("ada", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def working(aws, monkeypatch):
    """AWS whose handlers work while the doctor waits, and whose sweeper has run."""
    meanwhile(monkeypatch, aws.run)
    no_metrics()
    sweeper_ran(aws)
    return aws
