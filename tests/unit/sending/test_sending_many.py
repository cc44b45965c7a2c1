"""A send of many tasks: the order of records and messages, and how long a request waits."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload import transports
from django_offload.aws.time_budget import seconds_left
from django_offload.conf import configured
from django_offload.exceptions import EnqueueFailed
from django_offload.sending.enqueue import LOOK_SECONDS, SEND_SECONDS, send_many
from django_offload.transports.base import Transport
from tests.contract.records import enqueued_task, new_id
from tests.contract.setup import STACK
from tests.faults import WrappedStore, store_with

NOW = datetime.now(UTC)
LARGE = f'[["{"x" * 1_000}"],{{}}]'


class Noting(Transport):
    """Records its sends in `steps`."""

    longest_return = timedelta(minutes=15)

    def __init__(self, steps):
        self.steps, self.bounds = steps, []

    def prepare(self, queue):
        self.bounds.append(seconds_left())

    def send(self, queue, text, delay, group=None):
        self.bounds.append(seconds_left())
        self.steps.append("message")

    def give_back(self, delivery, delay):
        raise AssertionError("nothing is given back")


class Half(WrappedStore):
    """Records what is stored in `steps`. Refuses the records or the parts of some tasks."""

    def __init__(self, inner, steps, *, records=(), parts=()):
        super().__init__(inner)
        self.steps, self.refused, self.parts_refused = steps, records, parts

    def put_part(self, task_id, part, text, ttl):
        if task_id in self.parts_refused:
            raise OSError("no answer to the part")
        self.steps.append("part")
        return super().put_part(task_id, part, text, ttl)

    def begin_create(self, item):
        def create():
            if item["id"] in self.refused:
                raise OSError("no answer to the create")
            self.steps.append("record")
            return create_inside()

        create_inside = super().begin_create(item)
        return create


@pytest.fixture
def steps():
    return []


@pytest.fixture
def transport(ours, offload, steps, exits):
    return exits.enter_context(transports.use(STACK, Noting(steps)))


def enqueued_tasks(**changes):
    return [enqueued_task(new_id(), enqueued_at=NOW, **changes) for _ in range(3)]


def test_a_request_waits_a_few_seconds_at_most_for_all_tasks(transport):
    send_many(enqueued_tasks(), configured()["default"])

    looked, *sent = transport.bounds
    assert 0 < looked <= LOOK_SECONDS
    assert len(sent) == 3
    assert all(0 < bound <= SEND_SECONDS for bound in sent)


def test_parts_are_stored_before_any_record_or_message(transport, steps):
    with store_with(lambda inner: Half(inner, steps)):
        assert send_many(enqueued_tasks(arguments=LARGE), configured()["default"]) == [None] * 3

    assert steps[:3] == ["part"] * 3
    assert sorted(steps[3:]) == ["message"] * 3 + ["record"] * 3


def test_a_task_whose_arguments_could_not_be_stored_has_a_message_and_no_record(transport, steps, offload):
    lost, *others = enqueued_tasks(arguments=LARGE)

    with store_with(lambda inner: Half(inner, steps, parts=[lost.id])):
        assert send_many([lost, *others], configured()["default"]) == [None] * 3

    assert sorted(offload.stores[STACK].records) == sorted(enqueued.id for enqueued in others)
    assert steps.count("message") == 3


@pytest.mark.parametrize("way", ["lambda", "a far start"])
def test_no_message_is_sent_without_the_record_if_only_the_record_is_durable(
    transport, steps, offload, monkeypatch, way
):
    far = NOW + timedelta(days=1)
    lost, *others = enqueued_tasks(run_after=far) if way == "a far start" else enqueued_tasks()
    if way == "lambda":
        monkeypatch.setattr(transport, "longest_return", timedelta(0))

    with store_with(lambda inner: Half(inner, steps, records=[lost.id])):
        failure, *rest = send_many([lost, *others], configured()["default"])

    assert isinstance(failure, EnqueueFailed)
    assert (failure.task_id, str(failure.__cause__)) == (lost.id, "no answer to the create")
    assert rest == [None, None]
    assert steps == ["record"] * 2 + ([] if way == "a far start" else ["message"] * 2)


def test_a_failing_bucket_fails_only_its_own_task(transport, steps, offload, monkeypatch):
    large, *others = enqueued_tasks()
    large = enqueued_task(large.id, enqueued_at=NOW, arguments=f'[["{"x" * 400_000}"],{{}}]')

    def refuse(key, data):
        raise OSError("no answer from the bucket")

    monkeypatch.setattr(offload.payloads[STACK], "put", refuse)
    failure, *rest = send_many([large, *others], configured()["default"])

    assert (failure.task_id, str(failure.__cause__)) == (large.id, "no answer from the bucket")
    assert rest == [None, None]
    assert steps == ["message"] * 2
