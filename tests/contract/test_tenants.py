"""Tenants of one queue: each task's messages carry its tenant's group, so that none waits for a noisy one."""

import asyncio
import gc
import json
import warnings
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.db import transaction

from django_offload.compat import BaseTaskBackend, InvalidTask, task_backends
from django_offload.conf import configured
from django_offload.exceptions import ConfigurationError
from django_offload.operations.probe import send_probe
from django_offload.operations.redrive import redrive, redrive_many
from django_offload.outbox import drain as outbox
from django_offload.protocol.record import read_record
from django_offload.stores import store_of
from django_offload.testing import Invocation
from django_offload.transports.memory import MemoryTransport
from django_offload.worker import batch
from django_offload.worker.enqueue_scheduled import enqueue_scheduled
from django_offload.worker.sweep_event import Occurrence
from tests.contract import tenant_tasks as tasks
from tests.contract.setup import STACK, lose_messages, tasks_setting

pytestmark = pytest.mark.django_db(transaction=True)

TASKS = "tests.contract.tenant_tasks"
GROUP = sha256(b"customer-7").hexdigest()[:32]
LATER = timedelta(days=1)


@pytest.fixture
def with_tenants(settings, request):
    """Return a function that gives the stack these options, and a place to run."""
    tasks.forget()

    def with_options(place="memory", **options):
        client = {} if place == "memory" else {"client": place}
        settings.TASKS = tasks_setting(modules=[TASKS], **client, **options)
        return request.getfixturevalue("offload" if place == "memory" else "offload_aws")

    return with_options


@pytest.fixture
def sent(monkeypatch):
    """The id and the group of each message, in the order in which they were sent."""
    found = []
    send = MemoryTransport.send

    def remember(self, queue, text, delay, group=None):
        found.append((json.loads(text)["id"], group))
        send(self, queue, text, delay, group)

    monkeypatch.setattr(MemoryTransport, "send", remember)
    return found


def record(result):
    return read_record(store_of(configured()["default"]).get(result.id))


def tenant_of(result):
    return record(result).enqueued.tenant


@pytest.mark.parametrize(("place", "noisy"), [("memory", 200), ("lean", 60)])
def test_a_quiet_tenant_does_not_wait_for_the_end_of_a_noisy_one(with_tenants, place, noisy):
    offload = with_tenants(place)
    list(tasks.work.using(tenant="noisy").enqueue_many([("noisy", number) for number in range(noisy)]))
    list(tasks.work.using(tenant="quiet").enqueue_many([("quiet", number) for number in range(10)]))

    assert offload.run() == noisy + 10

    last = max(place for place, (whose, _) in enumerate(tasks.ran) if whose == "quiet")
    waited = [whose for whose, _ in tasks.ran[last:]].count("noisy")
    assert waited >= noisy - 20, "the last quiet task started while the noisy ones still waited"
    assert [number for whose, number in tasks.ran if whose == "quiet"] == [*range(10)]


def test_every_first_send_has_the_group_of_its_tenant(with_tenants, sent):
    with_tenants()
    task = tasks.work.using(tenant="customer-7")

    results = [task.enqueue("alone"), *task.enqueue_many([("a",), ("b",)])]
    with transaction.atomic():
        results.append(task.enqueue("at the commit"))
    results.append(asyncio.run(task.aenqueue("awaited")))
    plain = tasks.work.enqueue("of nobody")

    assert sent == [*((result.id, GROUP) for result in results), (plain.id, None)]


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_every_other_send_has_the_group_of_its_tenant(with_tenants, sent, many):
    site = with_tenants()
    task = tasks.work.using(tenant="customer-7")
    results = [*task.enqueue_many([("a",), ("b",)])] if many else [task.enqueue("a")]
    ids = [result.id for result in results]
    lose_messages(site)
    sent.clear()

    site.clock.skip_to(site.clock() + timedelta(hours=1))
    site.sweep()
    assert sorted(sent) == sorted((task_id, GROUP) for task_id in ids), "by the sweeper"

    later = tasks.work.using(tenant="customer-7", run_after=site.clock() + LATER).enqueue("later")
    sent.clear()
    assert site.run() == len(ids) + 1
    assert sent == [(later.id, GROUP)], "when a message can wait for it"


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_a_redriven_task_keeps_its_group(with_tenants, sent, many):
    site = with_tenants()
    task = tasks.broken.using(tenant="customer-7")
    ids = [result.id for result in task.enqueue_many([(), ()])]
    site.run()
    options = configured()["default"]
    store = store_of(options)
    sent.clear()

    if many:
        redrive_many(store, ids, options, site.clock())
    else:
        assert all(redrive(store, task_id, options, site.clock()).done for task_id in ids)

    assert sorted(sent) == sorted((task_id, GROUP) for task_id in ids)


def test_the_outbox_keeps_the_tenant(with_tenants, sent, monkeypatch):
    with_tenants(outbox=True)
    with monkeypatch.context() as dying, transaction.atomic():
        dying.setattr("django_offload.backends.base.Departure.leave_at_commit", lambda departure: None)
        ids = [tasks.work.using(tenant=tenant).enqueue("a").id for tenant in ("customer-7", None)]
    assert sent == []

    assert outbox.drain(datetime.now(UTC) + LATER, lambda: 60.0) == 2

    assert dict(sent) == {ids[0]: GROUP, ids[1]: None}


@pytest.mark.parametrize("tenant", [f"{TASKS}.tenant", "owner"])
def test_an_occurrence_of_a_schedule_has_no_tenant_and_asks_for_none(with_tenants, sent, tenant):
    """There is no request, in which the function may expect to be."""
    nightly = {"task": f"{TASKS}.work", "when": "rate(1 day)", "args": ["all"]}
    site = with_tenants(tenant=tenant, schedules={"nightly": nightly})
    tasks.current.append(LookupError("no request here"))
    occurrence = Occurrence(alias="default", schedule="nightly", at=site.clock())

    assert enqueue_scheduled(occurrence, configured()["default"], site.clock) == {"enqueued": 1}
    asked_for = site.run_schedule("nightly", at=site.clock() + LATER, alias="default")

    assert [group for _, group in sent] == [None, None]
    assert asked_for.id == sent[1][0]


def test_a_probe_has_no_tenant_and_asks_for_none(with_tenants, sent):
    """`offload_doctor` sends it from a terminal, where the function may find no request."""
    site = with_tenants(tenant=f"{TASKS}.tenant")
    tasks.current.append(LookupError("no request here"))

    probe = send_probe(configured()["default"], "default")

    assert sent == [(probe.enqueued.id, None)]
    assert site.run() == 1
    assert read_record(store_of(configured()["default"]).get(probe.enqueued.id)).status == "SUCCESSFUL"


def test_a_task_of_a_schedule_gives_a_tenant_to_each_of_its_children(with_tenants, sent):
    each = {"task": f"{TASKS}.parent", "when": "rate(1 day)"}
    site = with_tenants(schedules={"each": each})
    tasks.inside.append(lambda: tasks.work.using(tenant="customer-7").enqueue("a"))

    site.run_schedule("each", at=site.clock(), alias="default")
    site.run()

    assert [group for _, group in sent] == [None, GROUP]


def test_an_attempt_that_failed_comes_back_in_its_group(with_tenants):
    site = with_tenants()
    result = tasks.failing.using(tenant="customer-7").enqueue("a")
    (message,) = site.transports["contract"].queues["default"].messages.values()

    site.run(skip=False)

    assert (message.receives, message.group) == (2, GROUP)
    assert tenant_of(result) == "customer-7"


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


def test_with_owners_as_tenants_a_child_counts_for_its_owner_though_its_parent_is_older(with_tenants):
    site = with_tenants(owner=f"{TASKS}.owner")
    tasks.inside.append(lambda: tasks.work.enqueue("a"))
    outer = tasks.parent.enqueue()
    assert tenant_of(outer) is None

    with_tenants(owner=f"{TASKS}.nobody", tenant="owner")
    site.run()
    outer.refresh()

    (child,) = outer.return_value
    enqueued = read_record(store_of(configured()["default"]).get(child)).enqueued
    assert (enqueued.owner, enqueued.tenant) == ("user:7", "user:7")


@pytest.mark.parametrize(
    "tenant",
    ["Zürich", "客户", "\U0001f404", "x" * 1_000, "a b\n\t'\"\0", "é" * 500],
    ids=["umlaut", "characters", "beyond the basic plane", "long", "odd", "long in UTF-8"],
)
@pytest.mark.parametrize("place", ["memory", "lean"])
def test_any_text_can_be_a_tenant(with_tenants, place, tenant):
    site = with_tenants(place)

    result = tasks.work.using(tenant=tenant).enqueue("a")

    assert tenant_of(result) == tenant
    assert site.run() == 1
    assert record(result).status == "SUCCESSFUL"


@pytest.mark.parametrize(
    "tenant",
    ["", "x" * 1_001, "é" * 501, "\ud800", 7, True, b"customer", ["customer"], object()],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_refused_with_what_to_give(with_tenants, sent, tenant):
    with_tenants(tenant=f"{TASKS}.tenant")

    with pytest.raises(InvalidTask, match="Give a text of 1 to 1,000 bytes, or None for no tenant"):
        tasks.work.using(tenant=tenant)
    tasks.current.append(tenant)
    with pytest.raises(ConfigurationError, match=r"'tenant'\] returned .* Return a text of 1 to 1,000 bytes"):
        tasks.work.enqueue("a")
    assert sent == []


def test_the_decorator_takes_no_tenant():
    from django_offload import task

    with pytest.raises(TypeError, match="@task doesn't take tenant"):
        task(tenant="customer-7")


def test_a_function_that_raises_says_which_one_it_is(with_tenants, sent):
    with_tenants(tenant=f"{TASKS}.tenant")
    tasks.current.append(LookupError("no tenant here"))

    with pytest.raises(LookupError, match="no tenant here") as caught:
        tasks.work.enqueue("a")

    assert caught.value.__notes__ == [
        f"TASKS['default'] has OPTIONS['tenant'] = '{TASKS}.tenant'. It is called without arguments for each "
        "task, also outside a request. Return None where there is no tenant."
    ]
    assert sent == []


@pytest.mark.parametrize("name", ["coroutine", "of_request", "work", "missing", "Customer"])
def test_what_is_no_function_without_arguments_sends_nothing(with_tenants, sent, name):
    with_tenants(tenant=f"{TASKS}.{name}")

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Also about a coroutine that nobody awaits.
        with pytest.raises((ConfigurationError, ImportError, TypeError), match=r"tenant|request"):
            tasks.work.enqueue("a")
    gc.collect()
    assert sent == []


def test_a_task_of_another_backend_has_no_use_for_a_tenant(settings):
    dummy = BaseTaskBackend.__module__.replace("base", "dummy.DummyBackend")
    settings.TASKS = {"default": {"BACKEND": dummy}}

    result = tasks.work.using(tenant="customer-7").enqueue("a")

    assert result.task.tenant == "customer-7"
    assert task_backends["default"].results == [result]


def test_a_worker_runs_a_record_as_aws_writes_it_for_a_fair_queue(with_tenants):
    """By hand, with every attribute that AWS documents for a message of a group in a standard queue."""
    site = with_tenants("lean")
    result = tasks.work.using(tenant="customer-7").enqueue("a")
    sqs = site.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{STACK}-default")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["All"])["Messages"]
    assert message["Attributes"]["MessageGroupId"] == GROUP, "local AWS shows it, too"
    received = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {
            "ApproximateReceiveCount": "1",
            "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "SentTimestamp": "1795339800123",
            "SenderId": "AROAEXAMPLE:shop-web",
            "MessageGroupId": GROUP,
            "ApproximateFirstReceiveTimestamp": "1795339800456",
        },
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{STACK}-default",
        "awsRegion": "us-east-1",
    }

    answer = batch.handler({"Records": [received]}, Invocation(f"{STACK}-default-worker", seconds=300))

    assert answer == {"batchItemFailures": []}
    assert (record(result).status, tasks.ran) == ("SUCCESSFUL", [("a", 0)])
