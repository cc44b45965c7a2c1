"""Record and message of an enqueue are under way together: one may arrive first, or alone."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from django_offload.aws.lean.call import Call
from django_offload.conf import configured
from django_offload.exceptions import EnqueueFailed
from django_offload.protocol.record import read_record
from django_offload.sending.enqueue import send
from django_offload.stores import store_of
from tests.contract import tasks
from tests.contract.records import enqueued_task, new_id
from tests.faults import (
    FailingTransport,
    Unreachable,
    WrappedStore,
    WrappedTransport,
    store_with,
    transport_with,
)


class LateStore(WrappedStore):
    """Creates a record after `meanwhile` has run, or never if that raises."""

    def __init__(self, inner, meanwhile):
        super().__init__(inner)
        self.meanwhile: Callable[[], object] | None = meanwhile
        self.created: list[bool] = []

    def begin_create(self, item):
        if self.meanwhile is None:
            return super().begin_create(item)
        meanwhile, self.meanwhile = self.meanwhile, None

        def create():
            meanwhile()
            self.created.append(self.inner.begin_create(item)())

        return create


class EagerTransport(WrappedTransport):
    """Sends as soon as the send starts."""

    def begin_send(self, queue, text, delay, group=None):
        super().send(queue, text, delay, group)
        return lambda: None


@pytest.fixture
def backend():
    return "SQSBackend"


def unreachable():
    raise Unreachable("no answer to the create")


def test_a_message_that_overtakes_its_record_runs_once(offloaded):
    late = []

    def wrap(inner):
        late.append(LateStore(inner, offloaded.run))
        return late[0]

    with store_with(wrap), transport_with(EagerTransport):
        result = tasks.answer.enqueue()

        assert late[0].created == [False], "the late create changed the record"
        assert offloaded.run() == 0
    result.refresh()
    assert (result.status, result.attempts) == ("SUCCESSFUL", 1)


def test_a_message_without_a_record_creates_it(offloaded):
    with store_with(lambda inner: LateStore(inner, unreachable)), transport_with(EagerTransport):
        result = tasks.answer.enqueue()

        assert offloaded.run() == 1
    result.refresh()
    assert result.status == "SUCCESSFUL"


def test_a_record_without_a_message_is_left_to_the_sweeper(offloaded):
    with transport_with(lambda inner: FailingTransport(inner, times=1)):
        result = tasks.answer.enqueue()

    assert read_record(store_of(configured()["default"]).get(result.id)).due_at is not None
    result.refresh()
    assert result.status == "READY"


def test_without_record_and_message_the_error_names_the_task(offloaded):
    task_id = new_id()
    enqueued = enqueued_task(task_id, enqueued_at=datetime.now(UTC))

    with (
        store_with(lambda inner: LateStore(inner, unreachable)),
        transport_with(lambda inner: FailingTransport(inner, times=1)),
        pytest.raises(EnqueueFailed, match=task_id),
    ):
        send(enqueued, configured()["default"])


@pytest.fixture
def steps(monkeypatch):
    """Return the steps of the lean client, in order."""
    steps_taken = []

    def noted(word, method):
        def noting(call):
            steps_taken.append(f"{word} {call._request.operation}")
            return method(call)

        return noting

    monkeypatch.setattr(Call, "send", noted("send", Call.send))
    monkeypatch.setattr(Call, "finish_try", noted("read", Call.finish_try))
    return steps_taken


@pytest.mark.parametrize("offloaded", ["lean"], indirect=True)
def test_the_lean_client_sends_both_requests_before_it_reads_a_response(offloaded, steps):
    tasks.answer.enqueue()
    steps.clear()

    tasks.answer.enqueue()

    assert steps == ["send PutItem", "send SendMessage", "read PutItem", "read SendMessage"]


@pytest.mark.parametrize("offloaded", ["lean"], indirect=True)
def test_large_arguments_are_stored_before_record_and_message_are_sent(offloaded, steps):
    tasks.answer.enqueue()
    steps.clear()

    tasks.echo.enqueue("x" * 1_000)

    assert steps[:4] == ["send UpdateItem", "read UpdateItem", "send PutItem", "send SendMessage"]


@pytest.mark.parametrize("offloaded", ["lean"], indirect=True)
@pytest.mark.parametrize("backend", ["LambdaBackend"])
def test_lambda_is_invoked_after_the_record_is_stored(offloaded, backend, steps):
    tasks.answer.enqueue()

    assert steps == ["send PutItem", "read PutItem", "send Invoke", "read Invoke"]
