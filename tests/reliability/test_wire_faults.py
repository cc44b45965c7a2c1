"""12 faults between boto3 and AWS × each call of the hot path: nothing lost, nothing acknowledged unended."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_offload import wire
from django_offload.conf import OUTBOX, configured
from django_offload.record import read
from django_offload.stores import store_of
from django_offload.testing import Invocation
from django_offload.transports import sqs
from django_offload.worker import batch, sweep
from tests.contract.setup import tasks_setting
from tests.reliability import proxy, tasks
from tests.reliability.postgresql import free_port
from tests.reliability.proxy import Proxy

FAULTS = {
    "reset": proxy.reset,
    "black hole": proxy.black_hole,
    "half a reply": proxy.half_a_reply,
    "reply lost": proxy.reply_lost,
    "delay": proxy.delay,
    "slow drip": proxy.slow_drip,
    "malformed": proxy.malformed,
    "refused": None,
    "throttled": proxy.answer("400 Bad Request", "ThrottlingException"),
    "500": proxy.answer("500 Internal Server Error", "InternalServerError"),
    "503": proxy.answer("503 Service Unavailable", "ServiceUnavailable"),
    "forbidden": proxy.answer("403 Forbidden", "AccessDeniedException"),
}
# When each call of the hot path is met: at the enqueue, at a delivery's claim, or once the task has run.
CALLS = {
    "birth": ("enqueue", "PutItem"),
    "send": ("enqueue", "SendMessage"),
    "claim": ("deliver", "UpdateItem"),
    "error part": ("run", "PutItem"),
    "release": ("run", "UpdateItem"),
    "give back": ("run", "ChangeMessageVisibility"),
    "result part": ("run again", "PutItem"),
    "finish": ("run again", "UpdateItem"),
}
# Of what botocore tries again, so that one failure is not the same as many.
TRIED_AGAIN = ("reset", "black hole", "reply lost", "throttled", "500")
TIMES = [(fault, 1) for fault in FAULTS] + [(fault, 99) for fault in TRIED_AGAIN]
LONGEST = 30  # Deliveries until a task must have ended.


class Line:
    """One stack, reached through the proxy; time is skipped instead of waited for."""

    def __init__(self, aws: Any, proxy: Proxy) -> None:
        self.aws, self.proxy = aws, proxy
        self.options = configured()["default"]
        self.now = datetime.now(UTC)
        self.sqs = aws.client("sqs")  # Past the proxy: what the event source mapping does.
        self.url = self.sqs.get_queue_url(QueueName=self.options.queue("default"))["QueueUrl"]
        self.refused: tuple[str, int] = ("", 0)

    def arm(self, call: str, fault: str, times: int) -> None:
        if fault == "refused":
            self.refused = (call, times)
        else:
            self.proxy.arm(call, FAULTS[fault], times)

    def heal(self) -> None:
        self.proxy.disarm()
        self.refused = ("", 0)

    def refuse(self, request: Any, **kwargs: object) -> None:
        """Send a call to a port that nobody listens on."""
        call, times = self.refused
        target = request.headers.get("X-Amz-Target", b"")
        if times and (target if isinstance(target, bytes) else target.encode()).decode().endswith(f".{call}"):
            self.refused = (call, times - 1)
            self.proxy.hit.append(call)
            request.url = f"http://127.0.0.1:{free_port()}/"

    def receive(self) -> list[dict[str, Any]]:
        return self.sqs.receive_message(
            QueueUrl=self.url, VisibilityTimeout=600, MessageSystemAttributeNames=["All"]
        ).get("Messages", [])

    def deliver(self, seconds: float = 300.0) -> int:
        """Deliver what is in the queue once, and check that what is acknowledged has ended."""
        messages = self.receive()
        for message in messages:
            context = Invocation(self.options.worker_function("default"), seconds)
            said = batch.handler(self.event(message), context, lambda: self.now)
            if said == {"batchItemFailures": []}:
                task_id = json.loads(message["Body"])["id"]
                assert self.record(task_id).ended, "acknowledged without an outcome"
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            else:
                assert said == {"batchItemFailures": [{"itemIdentifier": message["MessageId"]}]}
                self.sqs.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
        return len(messages)

    def event(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "eventSource": "aws:sqs",
                    "eventSourceARN": f"arn:aws:sqs:us-east-1:1:{self.options.queue('default')}",
                }
            ]
        }

    def record(self, task_id: str) -> Any:
        item = self.aws.client("dynamodb").get_item(
            TableName=self.options.table,
            Key={"id": {"S": task_id}, "part": {"S": "record"}},
            ConsistentRead=True,
        )
        from django_offload.stores.dynamodb import _attributes

        return read(_attributes(item["Item"]) or {})

    def finish(self, task_id: str) -> Any:
        """Deliver, let time pass and sweep until the task has ended and its queue is empty."""
        for _ in range(LONGEST):
            if self.deliver():
                self.now += timedelta(seconds=60)
            elif self.ended(task_id):
                return self.record(task_id)
            else:
                self.now += timedelta(seconds=400)
                sweep.sweep(lambda: self.now, lambda: 60.0)
        raise AssertionError(f"{task_id} did not end: it is lost, or stuck")

    def ended(self, task_id: str) -> bool:
        attributes = store_of(self.options).get(task_id)
        return attributes is not None and read(attributes).ended


@pytest.fixture
def line(settings: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    settings.TASKS = tasks_setting(modules=["tests.reliability.tasks"])
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != OUTBOX]
    aws = request.getfixturevalue("offload_aws")
    between = Proxy(aws.environment["AWS_ENDPOINT_URL"])
    monkeypatch.setenv("AWS_ENDPOINT_URL", between.endpoint)
    monkeypatch.setattr(wire, "READ_TIMEOUT_SECONDS", 0.3)
    wire.forget()
    sqs.forget()
    tasks.executions.clear()
    tasks.first.clear()
    found = Line(aws, between)
    for service in ("sqs", "dynamodb"):
        wire.client(service).meta.events.register(f"before-send.{service}", found.refuse)
    yield found
    between.close()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the pauses between botocore's tries away: throttled four times, they are seconds."""
    import botocore.endpoint

    class Clock:
        sleep = staticmethod(lambda seconds: None)

    monkeypatch.setattr(botocore.endpoint, "time", Clock)


def patient(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for answers as long as outside of tests: a busy machine is no fault."""
    monkeypatch.setattr(wire, "READ_TIMEOUT_SECONDS", 10)
    wire.forget()
    for service in ("sqs", "dynamodb"):
        wire.client(service).meta.events.register(f"before-send.{service}", line.refuse)


def play(line: Line, call: str, fault: str, times: int) -> Any:
    """Send a task through, with a fault at one call; return its record at the end."""
    when, name = CALLS[call]
    tasks.executions.clear()
    tasks.first.clear()
    line.proxy.hit.clear()
    arm = lambda: line.arm(name, fault, times)  # noqa: E731
    nothing = lambda: None  # noqa: E731
    if when == "run":
        tasks.first.append(arm)
    if when == "run again":
        tasks.first += [nothing, arm]
    if when == "enqueue":
        arm()
    result = (tasks.second_time_lucky if "run" in when else tasks.long_result).enqueue(7)
    if when != "enqueue":
        if when == "deliver":
            arm()
        for _ in range(2 if "again" in when else 1):
            line.deliver()
    line.heal()
    line.now += timedelta(seconds=400)
    assert line.proxy.hit == [name] * len(line.proxy.hit)
    assert line.proxy.hit, f"{fault} never met {name}"
    return line.finish(result.id)


@pytest.mark.parametrize(
    ("fault", "times"), TIMES, ids=lambda value: {99: "until it heals"}.get(value, value)
)
def test_no_call_of_the_hot_path_loses_a_task(line: Line, no_pauses: None, fault: str, times: int) -> None:
    for call in CALLS:
        record = play(line, call, fault, times)

        assert record.status == "SUCCESSFUL", f"{fault} at {call}"
        assert store_of(line.options).get_part(record.birth.id, record.result_part) == f'"{tasks.LONG}"'
        least = 2 if "run" in CALLS[call][0] else 1
        assert least <= len(tasks.executions) <= record.attempts, f"{fault} at {call}"


def test_f05_throttled_up_to_20_times_a_task_is_claimed_once_and_ends(
    line: Line, monkeypatch: pytest.MonkeyPatch, no_pauses: None
) -> None:
    patient(line, monkeypatch)
    for count in range(1, 21):
        tasks.executions.clear()
        line.proxy.hit.clear()
        result = tasks.plain.enqueue(count)
        line.arm("UpdateItem", "throttled", count)

        record = line.finish(result.id)

        assert line.proxy.hit == ["UpdateItem"] * count
        assert (record.status, record.attempts, tasks.executions) == ("SUCCESSFUL", 1, [count])


@pytest.mark.parametrize("fault", ["black hole", "throttled", "refused"])
@pytest.mark.parametrize("call", ["claim", "finish"])
def test_f05_tries_and_pauses_end_before_the_invocation_does(
    line: Line, monkeypatch: pytest.MonkeyPatch, fault: str, call: str
) -> None:
    patient(line, monkeypatch)
    result = tasks.prepared.enqueue(7)
    if call == "finish":
        tasks.first.append(lambda: line.arm("UpdateItem", fault, 99))
    else:
        line.arm("UpdateItem", fault, 99)
    (message,) = line.receive()
    ends = time.monotonic() + 2.0

    said = batch.handler(line.event(message), Dying(line, ends))

    assert time.monotonic() < ends, "the runtime would have been killed before it could answer"
    assert said == {"batchItemFailures": [{"itemIdentifier": message["MessageId"]}]}
    line.heal()
    line.sqs.change_message_visibility(
        QueueUrl=line.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    line.now += timedelta(seconds=400)
    assert line.finish(result.id).status == "SUCCESSFUL"


class Dying:
    """Lambda's context of an invocation that really ends."""

    log_stream_name = "2026/11/22/[$LATEST]0123456789abcdef"

    def __init__(self, line: Line, ends: float) -> None:
        self.function_name = line.options.worker_function("default")
        self.ends = ends

    def get_remaining_time_in_millis(self) -> int:
        return round((self.ends - time.monotonic()) * 1000)


def test_without_any_time_left_no_call_is_begun(line: Line) -> None:
    tasks.prepared.enqueue(7)
    (message,) = line.receive()

    said = batch.handler(line.event(message), Dying(line, time.monotonic() + 0.2))

    assert said == {"batchItemFailures": [{"itemIdentifier": message["MessageId"]}]}
    assert tasks.executions == []
