"""A queue whose index has only tasks in trouble: what enqueue() writes, also if SQS doesn't answer."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from django_offload.conf import configured
from django_offload.exceptions import ConfigurationError, EnqueueFailed
from django_offload.operations.cancel import cancel
from django_offload.protocol.record import read_record
from django_offload.stores import store_of
from tests.contract.records import claimed
from tests.contract.setup import STACK, tasks_setting
from tests.faults import FailingStore, FailingTransport, WatchingStore, store_with, transport_with
from tests.unit import tasks
from tests.unit.backends.either_way import EITHER_WAY

MODULES = ["tests.unit.tasks", "tests.contract.tasks"]
INDEX = {"due_at", "due_shard"}


def in_trouble(**options):
    found = tasks_setting(modules=MODULES, **options)
    found["default"]["OPTIONS"]["queues"] = {"default": {"index": "trouble"}}
    return found


@pytest.fixture
def site(settings, request):
    settings.TASKS = in_trouble()
    return request.getfixturevalue("offload")


def records(site):
    return site.stores[STACK].records


@EITHER_WAY
def test_a_record_is_born_and_ends_without_an_entry(site, enqueue):
    result = enqueue()

    record = records(site)[result.id]
    assert (record["status"], INDEX & record.keys()) == ("READY", set())
    result.refresh()
    assert result.status == "READY"

    assert site.run() == 1
    result.refresh()
    assert (result.return_value, INDEX & records(site)[result.id].keys()) == (4, set())


def test_another_queue_of_the_alias_keeps_its_entries(site):
    result = tasks.double.using(queue_name="reports").enqueue(2)

    assert records(site)[result.id].keys() >= INDEX


def test_a_start_within_reach_of_a_message_needs_no_entry(site):
    result = tasks.double.using(run_after=datetime.now(UTC) + timedelta(minutes=14)).enqueue(2)

    assert not INDEX & records(site)[result.id].keys()
    assert site.run() == 1


def test_a_start_beyond_has_its_entry_because_only_the_sweeper_sends_it(site):
    result = tasks.double.using(run_after=datetime.now(UTC) + timedelta(days=2)).enqueue(2)

    assert records(site)[result.id].keys() >= INDEX
    assert site.run() == 1
    result.refresh()
    assert result.return_value == 4


@EITHER_WAY
@pytest.mark.parametrize("arrives", [False, True], ids=["not sent", "its reply was lost"])
def test_a_message_that_is_not_confirmed_is_sent_by_the_next_sweep(site, enqueue, arrives):
    with transport_with(lambda inner: FailingTransport(inner, after=arrives)):
        result = enqueue()

    record = read_record(records(site)[result.id])
    assert record.due_at < record.enqueued.start_at, "a record that has had no message yet"
    assert site.sweep()["sent"] == 1
    assert site.run() == 1 + arrives
    result.refresh()
    assert (result.return_value, result.attempts) == (4, 1)


@EITHER_WAY
@pytest.mark.parametrize("written", [False, True], ids=["no entry", "its reply was lost"])
def test_an_entry_that_is_not_confirmed_either_is_an_error(site, enqueue, written):
    point = {"after": "look at"} if written else {"before": "look at"}
    with (
        transport_with(FailingTransport),
        store_with(lambda inner: FailingStore(inner, **point)),
        pytest.raises(EnqueueFailed) as raised,
    ):
        enqueue()

    assert "no answer to the send" in str(raised.value.__cause__)
    assert site.sweep().get("sent", 0) == site.run() == written, (
        "with an entry it runs all the same, as EnqueueFailed says it may"
    )


@EITHER_WAY
def test_a_record_with_an_entry_keeps_its_task_whatever_becomes_of_the_note(site, settings, enqueue):
    settings.TASKS = tasks_setting(modules=MODULES)
    with transport_with(FailingTransport), store_with(lambda inner: FailingStore(inner, before="postpone")):
        result = enqueue()

    assert records(site)[result.id].keys() >= INDEX


@EITHER_WAY
def test_neither_record_nor_message_is_an_error(site, enqueue):
    with (
        transport_with(FailingTransport),
        store_with(lambda inner: FailingStore(inner, before="create")),
        pytest.raises(EnqueueFailed),
    ):
        enqueue()

    assert (site.run(), records(site)) == (0, {})


@EITHER_WAY
def test_a_message_alone_is_enough(site, enqueue):
    with store_with(lambda inner: FailingStore(inner, before="create")):
        result = enqueue()
    assert records(site) == {}
    site.kill_next()

    assert site.run() == 2
    result.refresh()
    assert (result.return_value, result.attempts) == (4, 2)
    assert not INDEX & records(site)[result.id].keys()


def claim(store, task_id):
    store.change(task_id, claimed(task_id, datetime.now(UTC)))


def end(store, task_id):
    options = configured()["default"]
    enqueued = read_record(store.get(task_id)).enqueued
    assert cancel(store, enqueued, options, datetime.now(UTC)) is not None


@EITHER_WAY
@pytest.mark.parametrize("meanwhile", [claim, end])
def test_a_record_that_refuses_its_entry_needs_none(site, enqueue, meanwhile):
    """A message whose reply was lost has arrived, or somebody has cancelled the task."""
    with ExitStack() as faults:
        faults.enter_context(transport_with(lambda inner: FailingTransport(inner, after=True)))
        store = store_of(configured()["default"])
        faults.enter_context(
            store_with(
                lambda inner: WatchingStore(inner, "look at", lambda task_id: meanwhile(store, task_id))
            )
        )
        result = enqueue()

    assert records(site)[result.id]["status"] in {"RUNNING", "FAILED"}


def test_of_many_each_has_its_own_answer(site):
    def transport(inner):
        return FailingTransport(inner, times=3)

    with transport_with(transport), store_with(lambda inner: FailingStore(inner, before="look at")):
        answers = list(tasks.double.enqueue_many([(number,) for number in range(5)]))

    failed = [answer for answer in answers if isinstance(answer, EnqueueFailed)]
    assert len(failed) == 1, "three messages failed, and of those one entry"
    assert site.sweep()["sent"] == 2
    assert site.run() == 4
    assert sorted(result.return_value for result in refreshed(answers)) == sorted(
        2 * number for number, answer in enumerate(answers) if answer not in failed
    )


def refreshed(answers):
    for answer in answers:
        if not isinstance(answer, EnqueueFailed):
            answer.refresh()
            yield answer


@pytest.mark.parametrize(
    ("options", "check_id", "problem"),
    [
        ({"record_at_enqueue": False}, "E032", "is 'trouble', but OPTIONS['record_at_enqueue'] is off."),
        ({}, "E031", "is 'trouble', but LambdaBackend needs every task in the index."),
    ],
    ids=["no record", "LambdaBackend"],
)
def test_what_needs_every_entry_is_refused(settings, options, check_id, problem):
    from django.core.checks import run_checks

    found = in_trouble(**options)
    if not options:
        found["default"]["BACKEND"] = "django_offload.backends.LambdaBackend"
    settings.TASKS = found

    with pytest.raises(ConfigurationError) as raised:
        configured()

    assert f"OPTIONS['queues']['default']['index'] {problem}" in str(raised.value)
    assert f"django_offload.{check_id}" in {message.id for message in run_checks()}


@pytest.mark.parametrize("value", ["none", "", None, True, 1, ["trouble"], {}, "Trouble"])
def test_another_value_is_refused(settings, value):
    settings.TASKS = found = in_trouble()
    found["default"]["OPTIONS"]["queues"]["default"]["index"] = value
    settings.TASKS = {**found}

    with pytest.raises(ConfigurationError, match=r"\['index'\] is .* Use one of: all, trouble\.$"):
        configured()
