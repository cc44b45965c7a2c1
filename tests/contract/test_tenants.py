"""Tenants of one queue: each task's messages carry its tenant's group, so that none waits for a noisy one."""

import gc
import warnings
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import transaction

from django_offload.compat import InvalidTask
from django_offload.conf import configured
from django_offload.exceptions import ConfigurationError
from django_offload.protocol.record import read_record
from django_offload.stores import store_of
from tests.contract import tenant_tasks as tasks
from tests.contract.setup import tasks_setting

pytestmark = pytest.mark.django_db(transaction=True)

TASKS = "tests.contract.tenant_tasks"


@pytest.fixture
def with_tenants(settings, request):
    """Return a function that gives the stack these options, and a place to run."""
    tasks.forget()

    def with_options(place="memory", **options):
        client = {} if place == "memory" else {"client": place}
        settings.TASKS = tasks_setting(modules=[TASKS], **client, **options)
        return request.getfixturevalue("offload" if place == "memory" else "offload_aws")

    return with_options


def record(result):
    return read_record(store_of(configured()["default"]).get(result.id))


def tenant_of(result):
    return record(result).enqueued.tenant


@pytest.mark.parametrize("place", ["memory", "lean", "boto3"])
def test_a_quiet_tenant_does_not_wait_for_the_end_of_a_noisy_one(with_tenants, place):
    offload = with_tenants(place)
    list(tasks.work.using(tenant="noisy").enqueue_many([("noisy", number) for number in range(60)]))
    list(tasks.work.using(tenant="quiet").enqueue_many([("quiet", number) for number in range(5)]))

    assert offload.run() == 65

    last = max(place for place, (whose, _) in enumerate(tasks.ran) if whose == "quiet")
    noisy_after = [whose for whose, _ in tasks.ran[last:]].count("noisy")
    assert noisy_after > 40, tasks.ran
    # Each tenant's own tasks keep their order as far as a standard queue does.
    assert [number for whose, number in tasks.ran if whose == "quiet"] == [*range(5)]


def test_children_inherit_the_tenant_unless_they_have_their_own(with_tenants):
    offload = with_tenants(tenant=f"{TASKS}.tenant")
    tasks.inside += [
        lambda: tasks.work.enqueue("inherits"),
        lambda: tasks.work.using(tenant="customer-8").enqueue("own"),
        lambda: tasks.work.using(tenant=None).enqueue("none"),
        lambda: next(iter(tasks.work.enqueue_many([("bulk",)]))),
    ]
    outer = tasks.parent.using(tenant="customer-7").enqueue()
    offload.run()
    outer.refresh()

    store = store_of(configured()["default"])
    found = [read_record(store.get(task_id)).enqueued.tenant for task_id in outer.return_value]
    assert found == ["customer-7", "customer-8", None, "customer-7"]
    assert outer.task.tenant == "customer-7"


def test_the_project_says_whose_task_it_is(with_tenants):
    with_tenants(tenant=f"{TASKS}.tenant")
    tasks.current.append("customer-7")

    assert tenant_of(tasks.work.enqueue("a")) == "customer-7"
    assert tenant_of(tasks.work.using(tenant="customer-8").enqueue("a")) == "customer-8"
    assert tenant_of(tasks.work.using(tenant=None).enqueue("a")) is None
    tasks.current[0] = None
    assert tenant_of(tasks.work.enqueue("a")) is None


@pytest.mark.parametrize(("owner", "tenant"), [(f"{TASKS}.owner", "user:7"), (None, None)])
def test_the_owner_can_be_the_tenant(with_tenants, owner, tenant):
    with_tenants(tenant="owner", **({"owner": owner} if owner else {}))

    result = tasks.work.enqueue("a")

    assert tenant_of(result) == tenant
    assert record(result).enqueued.owner == tenant
