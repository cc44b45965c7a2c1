"""How a mapping gathers batches, invokes its function, and deletes messages."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from django_offload.local.aws.event_source_mapping import EventSourceMapping, MappingConfig
from django_offload.local.lambda_.invoker import Outcome, failed_outcome

from .fakes import SOURCE, FakeFunctions, FakeInvoker, FakeSQS, eventually, function


def make(sqs: FakeSQS, invoker: FakeInvoker, clock: Callable[[], float] = time.monotonic, **options: Any):
    config = MappingConfig(source_arn=SOURCE, function_arn=function().arn, **{"partial": True, **options})
    return EventSourceMapping(
        config, sqs=sqs, functions=FakeFunctions(function()), invoker=invoker, clock=clock
    )


def bodies(event: bytes) -> list[str]:
    return [record["body"] for record in json.loads(event)["Records"]]


def test_a_batch_is_invoked_and_deleted() -> None:
    sqs, invoker = FakeSQS("one", "two"), FakeInvoker()

    count = make(sqs, invoker).poll_once()

    assert count == 2
    assert [bodies(event) for event in invoker.events] == [["one", "two"]]
    assert sqs.deleted == ["receipt-0", "receipt-1"]


def test_an_empty_queue_invokes_nothing() -> None:
    invoker = FakeInvoker()

    assert make(FakeSQS(), invoker).poll_once() == 0
    assert invoker.events == []


def test_a_failed_message_is_not_deleted() -> None:
    sqs = FakeSQS("one", "two", "three")
    invoker = FakeInvoker(Outcome(payload=b'{"batchItemFailures": [{"itemIdentifier": "id-1"}]}'))

    make(sqs, invoker).poll_once()

    assert sqs.deleted == ["receipt-0", "receipt-2"]


def test_failed_messages_are_brought_back_once() -> None:
    sqs = FakeSQS(*(str(number) for number in range(12)))
    partial = Outcome(payload=b'{"batchItemFailures": [{"itemIdentifier": "id-1"}]}')
    mapping = make(sqs, FakeInvoker(partial, failed_outcome("SyntaxError", "no")))
    mapping.poll_once()
    mapping.poll_once()

    mapping.bring_back()
    mapping.bring_back()

    assert sqs.visible == ["receipt-1", "receipt-10", "receipt-11"]


def test_an_error_of_the_function_deletes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    sqs = FakeSQS("one", "two")

    make(sqs, FakeInvoker(failed_outcome("ValueError", "no such order"))).poll_once()

    assert sqs.deleted == []
    assert "shop-default-worker failed: ValueError: no such order" in caplog.text


def test_a_function_that_is_not_deployed_deletes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    sqs = FakeSQS("one")
    config = MappingConfig(source_arn=SOURCE, function_arn=function().arn)

    EventSourceMapping(config, sqs=sqs, functions=FakeFunctions(), invoker=FakeInvoker()).poll_once()

    assert sqs.deleted == []
    assert "Function not found" in caplog.text


def test_more_than_ten_are_deleted_ten_at_a_time() -> None:
    sqs, invoker = FakeSQS(*map(str, range(25))), FakeInvoker()
    mapping = make(sqs, invoker, batch_size=25, window_seconds=1)

    mapping.deliver(mapping.gather())

    assert [len(bodies(event)) for event in invoker.events] == [25]
    assert len(set(sqs.deleted)) == 25


def test_a_receive_asks_for_no_more_than_the_batch_size() -> None:
    sqs = FakeSQS("one", "two", "three")

    records = make(sqs, FakeInvoker(), batch_size=2).gather()

    assert [record["body"] for record in records] == ["one", "two"]


def test_a_receive_asks_for_everything_a_function_may_read() -> None:
    sqs = FakeSQS()

    make(sqs, FakeInvoker()).poll_once()

    assert sqs.receives[0]["MessageSystemAttributeNames"] == ["All"]
    assert sqs.receives[0]["MessageAttributeNames"] == ["All"]
    assert "VisibilityTimeout" not in sqs.receives[0]


def test_without_a_window_the_first_messages_are_the_batch() -> None:
    sqs = FakeSQS("one")

    records = make(sqs, FakeInvoker(), batch_size=10).gather()

    assert len(records) == 1
    assert len(sqs.receives) == 1


def test_a_batch_fills_until_its_window_ends() -> None:
    sqs = FakeSQS("one")
    instants = iter([0.0, 1.0, 2.0, 5.0])

    def clock() -> float:
        now = next(instants)
        if now == 2.0:
            sqs.send("two")
        return now

    records = make(sqs, FakeInvoker(), clock=clock, batch_size=10, window_seconds=5).gather()

    assert [record["body"] for record in records] == ["one", "two"]
    assert len(sqs.receives) == 3


def test_a_full_batch_does_not_wait_for_its_window() -> None:
    sqs = FakeSQS("one", "two")

    records = make(sqs, FakeInvoker(), clock=lambda: 0.0, batch_size=2, window_seconds=300).gather()

    assert len(records) == 2


@pytest.mark.parametrize(("requested", "maximum", "expected"), [(2, 10, 2), (10, 3, 3), (4, None, 4)])
def test_no_more_invocations_run_at_a_time_than_allowed(
    requested: int, maximum: int | None, expected: int
) -> None:
    go, stop, running, most = threading.Event(), threading.Event(), [0], [0]
    lock = threading.Lock()

    def during() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        go.wait(5)
        with lock:
            running[0] -= 1

    sqs, invoker = FakeSQS(*map(str, range(12))), FakeInvoker(during=during)
    mapping = make(sqs, invoker, batch_size=1, concurrency=maximum)
    thread = threading.Thread(target=mapping.run, args=(stop, requested), daemon=True)
    thread.start()
    eventually(lambda: most[0] == expected)
    # A busy mapping leaves the rest in the queue, where others can receive it.
    assert len(sqs.waiting) == 12 - expected
    go.set()
    eventually(lambda: len(sqs.deleted) == 12)
    stop.set()
    thread.join(5)

    assert most[0] == expected
    assert not thread.is_alive()


def test_a_queue_that_cannot_be_read_does_not_end_the_mapping(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("django_offload.local.aws.event_source_mapping.ERROR_PAUSE_SECONDS", 0)
    sqs, stop = FakeSQS("one"), threading.Event()
    receive, failures = sqs.receive_message, iter([OSError("refused")])

    def once_broken(**arguments: Any) -> dict[str, Any]:
        for error in failures:
            raise error
        return receive(**arguments)

    monkeypatch.setattr(sqs, "receive_message", once_broken)
    thread = threading.Thread(target=make(sqs, FakeInvoker()).run, args=(stop, 1), daemon=True)
    thread.start()
    eventually(lambda: sqs.deleted == ["receipt-0"])
    stop.set()
    thread.join(5)

    assert "Couldn't read the queue shop-default: refused" in caplog.text
