"""Tasks that leave together: at once, at a commit, with an outbox, and where AWS takes some of them."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from django_offload.backends import base
from django_offload.compat import signals
from django_offload.definition.bulk_results import MOST_TASKS
from django_offload.exceptions import EnqueueFailed, InvalidArguments, ResourceMissing
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.record import DUE_AFTER, SWEEP_EVERY
from tests.contract.setup import STACK, tasks_setting
from tests.faults import FailingStore, FailingTransport, WrappedTransport, store_with, transport_with
from tests.unit import tasks

pytestmark = pytest.mark.django_db(transaction=True)
MODULES = ["tests.unit.tasks", "tests.contract.tasks"]


@pytest.fixture
def site(ours, request):
    return request.getfixturevalue("offload")


@pytest.fixture
def kept(settings, request):
    settings.TASKS = tasks_setting(modules=MODULES, outbox=True)
    return request.getfixturevalue("offload")


@pytest.fixture
def told():
    """What task_enqueued told of; whoever is asked to, raises."""
    found = []

    def note(sender, task_result, **kwargs):
        if task_result.args == ["refuse"]:
            raise RuntimeError("the receiver failed")
        found.append((task_result.args[0], task_result.enqueued_at is not None))

    signals.task_enqueued.connect(note)
    yield found
    signals.task_enqueued.disconnect(note)


def neither(times):
    """Have AWS accept neither record nor message, as often."""
    return (
        store_with(lambda inner: FailingStore(inner, before="create", times=times)),
        transport_with(lambda inner: FailingTransport(inner, times=times)),
    )


def three():
    return list(tasks.double.enqueue_many([(1,), (2,), (3,)]))


def test_nothing_leaves_before_the_commit(site, told):
    with transaction.atomic():
        answers = three()

        assert [answer.enqueued_at for answer in answers] == [None] * 3
        assert (site.run(), site.waiting, told) == (0, 3, [])

    assert told == [(1, True), (2, True), (3, True)]
    assert all(answer.enqueued_at for answer in answers)
    assert site.run() == 3


def test_a_rollback_leaves_nothing(site, told):
    with transaction.atomic():
        three()
        transaction.set_rollback(True)

    assert (site.run(), told, site.stores[STACK].records) == (0, [], {})


def test_each_task_is_told_of_once_and_a_receiver_that_fails_changes_no_answer(site, told, caplog):
    answers = list(tasks.double.enqueue_many([(1,), ("refuse",), (3,)]))

    assert told == [(1, True), (3, True)]
    assert "the receiver failed" in caplog.text
    for answer in answers:
        assert to_micros(answer.enqueued_at) == site.stores[STACK].records[answer.id]["enqueued_at"]


def test_tasks_whose_arguments_came_slowly_leave_as_of_now(site, monkeypatch):
    monkeypatch.setattr(base, "ONE_INSTANT", timedelta(0))
    came = datetime.now(UTC)

    def slowly():
        nonlocal came
        for number in range(3):
            came = datetime.now(UTC)
            yield (number,)

    answers = list(tasks.double.enqueue_many(slowly()))

    assert {answer.enqueued_at for answer in answers} == {answers[0].enqueued_at}
    assert answers[0].enqueued_at > came


def test_one_that_nothing_keeps_is_answered_by_an_error_that_names_it(site):
    store, transport = neither(1)
    with store, transport:
        failed, *sent = three()

    assert isinstance(failed, EnqueueFailed)
    assert failed.task_id not in {answer.id for answer in sent}
    assert type(failed.__cause__).__name__ == "Unreachable"
    assert site.run() == 2


@pytest.mark.parametrize(
    "half",
    [
        lambda: store_with(lambda inner: FailingStore(inner, before="create", times=3)),
        lambda: transport_with(lambda inner: FailingTransport(inner, times=3)),
    ],
    ids=["messages alone", "records alone"],
)
def test_one_half_of_each_is_enough(site, half):
    with half():
        answers = three()

    assert [answer.status for answer in answers] == ["READY"] * 3
    site.clock.skip_to(site.clock() + DUE_AFTER + SWEEP_EVERY)
    site.sweep()
    site.run()
    for answer in answers:
        answer.refresh()
    assert [answer.return_value for answer in answers] == [2, 4, 6]


def test_what_cannot_be_sent_at_the_commit_is_logged_by_its_id_and_holds_up_no_other(site, caplog):
    store, transport = neither(1)
    with store, transport, transaction.atomic():
        lost, *sent = three()

    (said,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"Task id={lost.id} was not sent at the commit" in said.getMessage()
    assert (lost.enqueued_at, site.run()) == (None, 2)
    assert all(answer.enqueued_at for answer in sent)


class NowhereTransport(WrappedTransport):
    """Has no queue."""

    def prepare(self, queue):
        raise ResourceMissing("default", "queue", queue)


@pytest.mark.parametrize("enqueue", [three, lambda: [tasks.double.enqueue(1)]], ids=["many", "one"])
def test_without_a_queue_at_the_commit_each_task_is_named(site, caplog, enqueue):
    with transport_with(NowhereTransport), transaction.atomic():
        lost = enqueue()

    said = [f"{record.getMessage()} {record.exc_info[1]}" for record in caplog.records]
    assert len(said) == len(lost)
    assert all(f"Task id={answer.id}" in text for answer, text in zip(lost, said, strict=True))
    assert all(answer.enqueued_at is None for answer in lost)


def test_the_outbox_keeps_tasks_until_they_are_sent(kept):
    with transaction.atomic():
        answers = three()
        assert OutboxEntry.objects.count() == 3

    assert OutboxEntry.objects.count() == 0
    assert all(answer.enqueued_at for answer in answers)
    assert kept.run() == 3


def test_what_the_outbox_keeps_and_nothing_took_is_sent_later(kept, caplog):
    store, transport = neither(1)
    with store, transport, transaction.atomic():
        answers = three()

    assert list(OutboxEntry.objects.values_list("id", flat=True)) == [answers[0].id]
    assert f"Task id={answers[0].id} was not sent yet, it is in the outbox" in caplog.text
    assert kept.run() == 2


def test_the_outbox_writes_a_hundred_rows_by_one_statement(kept, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1):
        list(tasks.double.enqueue_many((number,) for number in range(MOST_TASKS)))


def test_arguments_that_json_cannot_carry_are_the_answer_to_their_task(site):
    first, nan, last = tasks.double.enqueue_many([(1,), (float("nan"),), (2,)])

    assert isinstance(nan, InvalidArguments)
    assert [first.args, last.args] == [[1], [2]]
    assert site.run() == 2


def test_a_queue_that_is_not_there_is_raised_and_nothing_leaves(site, monkeypatch):
    def prepare(queue):
        raise ResourceMissing("default", "queue", queue)

    monkeypatch.setattr(site.transports[STACK], "prepare", prepare)

    with pytest.raises(ResourceMissing):
        three()
    assert site.stores[STACK].records == {}


def test_large_arguments_leave_in_smaller_company():
    class Entry:
        arguments = "x" * 300_000

    sizes = [len(chunk) for chunk, _ in base.chunks(iter([(Entry, None)] * 40))]

    assert sizes == [14, 14, 12]
    assert 14 * 300_000 >= base.MOST_BYTES > 13 * 300_000


@pytest.mark.usefixtures("ours")
def test_memory_stays_flat_over_a_generator(monkeypatch):
    monkeypatch.setattr(base, "send_many", lambda group, *rest, **known: [None] * len(group))
    rounds = 20

    def peak(count):
        tracemalloc.start()
        for answer in tasks.double.enqueue_many((number,) for number in range(count)):
            assert answer.enqueued_at
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(MOST_TASKS)
    assert peak(rounds * MOST_TASKS) < 1.5 * peak(2 * MOST_TASKS)
