"""A send while AWS is slow, and with and without time zones."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload import transports
from django_offload.aws import within
from django_offload.aws.time_budget import seconds_left
from django_offload.conf import configured
from django_offload.exceptions import EnqueueFailed
from django_offload.outbox import drain as outbox
from django_offload.protocol import record, record_size
from django_offload.sending.enqueue import LOOK_SECONDS, SEND_SECONDS, send
from django_offload.transports.base import Transport
from tests.contract.records import enqueued_task
from tests.faults import WrappedStore, store_with
from tests.unit import tasks

NOW = datetime.now(UTC)


class Watched(Transport):
    """Records how long its calls may take."""

    longest_return = timedelta(minutes=15)

    def __init__(self):
        self.bounds = []

    def prepare(self, queue):
        self.bounds.append(seconds_left())

    def send(self, queue, text, delay, group=None):
        self.bounds.append(seconds_left())

    def give_back(self, delivery, delay):
        self.bounds.append(seconds_left())


@pytest.fixture
def watched(ours, offload, exits):
    from django_offload import transports

    return exits.enter_context(transports.use(configured()["default"].stack, Watched()))


def test_a_request_waits_for_aws_a_few_seconds_at_most(watched):
    send(enqueued_task("0" * 32, enqueued_at=NOW), configured()["default"])

    looked, sent = watched.bounds
    assert 0 < looked <= LOOK_SECONDS
    assert 0 < sent <= SEND_SECONDS


def test_an_enqueue_in_a_worker_respects_the_workers_deadline(watched):
    with within(lambda: 1.0):
        send(enqueued_task("0" * 32, enqueued_at=NOW), configured()["default"])

    assert all(bound <= 1.0 for bound in watched.bounds)


def test_a_task_that_starts_late_cannot_be_enqueued_without_its_record(watched, offload, monkeypatch):
    def refuse(*args):
        raise OSError("no answer")

    monkeypatch.setattr(offload.stores[configured()["default"].stack], "change", refuse)
    far = enqueued_task("0" * 32, enqueued_at=NOW, run_after=NOW + timedelta(days=1))

    with pytest.raises(EnqueueFailed):
        send(far, configured()["default"])
    assert len(watched.bounds) == 1


def test_a_task_for_lambda_cannot_be_enqueued_without_its_record(watched, offload, monkeypatch):
    def refuse(*args):
        raise OSError("no answer")

    monkeypatch.setattr(offload.stores[configured()["default"].stack], "change", refuse)
    monkeypatch.setattr(watched, "longest_return", timedelta(0))

    with pytest.raises(EnqueueFailed):
        send(enqueued_task("0" * 32, enqueued_at=NOW), configured()["default"])
    assert len(watched.bounds) == 1, "it was sent"


@pytest.mark.parametrize("aware", [True, False])
def test_the_outbox_works_with_and_without_time_zones(ours, offload, transactional_db, settings, aware):
    settings.USE_TZ = aware
    enqueued = enqueued_task("0" * 32, enqueued_at=NOW - timedelta(minutes=5))

    outbox.put_many([enqueued])

    assert outbox.drain(NOW - timedelta(minutes=10), lambda: 60.0) == 0
    assert outbox.drain(NOW, lambda: 60.0) == 1
    assert offload.run() == 1


@pytest.mark.parametrize("size", [1, 1_000], ids=["in the record", "beside it"])
def test_one_place_decides_once_where_arguments_are_written(ours, offload, monkeypatch, size):
    decided = []

    def fits_inline(enqueued, listed):
        decided.append(enqueued.id)
        return record_size.fits_inline(enqueued, listed)

    monkeypatch.setattr(record, "fits_inline", fits_inline)

    result = tasks.double.enqueue("x" * size)

    assert decided == [result.id]


class Quoting(Transport):
    """Quotes the message that it refuses, as a client of AWS may do."""

    longest_return = timedelta(minutes=15)

    def prepare(self, queue):
        """Find the queue."""

    def send(self, queue, text, delay, group=None):
        raise OSError(f"refused: {text}")

    def give_back(self, delivery, delay):
        raise AssertionError("nothing is given back")


class Unwritable(WrappedStore):
    def begin_create_many(self, items):
        return lambda: [OSError(f"refused: {item}") for item in items]


@pytest.mark.parametrize("secret", ["4711", "correct horse"], ids=["too short to be found", "long"])
def test_no_failed_send_shows_a_sensitive_value(ours, offload, exits, monkeypatch, caplog, secret):
    options = configured()["default"]
    exits.enter_context(transports.use(options.stack, Quoting()))
    exits.enter_context(store_with(Unwritable))

    with pytest.raises(EnqueueFailed) as failed:
        tasks.quotes.enqueue(secret)

    assert secret not in str(failed.value.__cause__)
    assert "OSError" in str(failed.value.__cause__)
    assert "record failed: " in caplog.text
    assert "message failed: " in caplog.text
    assert secret not in caplog.text
