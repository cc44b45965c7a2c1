"""12 faults between each client and AWS × each call of the hot path: none loses a task, or ends it unseen."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from django_offload.conf import CLIENTS, OUTBOX
from django_offload.stores import store_of
from django_offload.testing import Invocation
from django_offload.transports import sqs
from django_offload.worker import batch
from tests.contract.setup import tasks_setting
from tests.reliability import tasks
from tests.reliability.proxy import Proxy
from tests.reliability.wired import FAULTS, Line

# When each call of the hot path is met: at the enqueue, at a delivery's claim, or once the task has run.
CALLS = {
    "birth": ("enqueue", "PutItem"),
    "arguments part": ("enqueue with much", "UpdateItem"),
    "send": ("enqueue", "SendMessage"),
    "send many": ("enqueue many", "SendMessageBatch"),
    "invoke": ("invoke", "Invoke"),
    "claim": ("deliver", "UpdateItem"),
    "error part": ("run", "UpdateItem"),
    "release": ("run", "UpdateItem"),
    "give back": ("run", "ChangeMessageVisibility"),
    "result part": ("run again", "UpdateItem"),
    "finish": ("run again", "UpdateItem"),
}
# Of what both clients try again, so that one failure is not the same as many.
TRIED_AGAIN = ("reset", "black hole", "reply lost", "throttled", "500")
# A dead connection that had been kept costs lean no try: only the second failure does.
NO_ANSWER = ("reset", "reply lost")
TIMES = [
    *((fault, 1) for fault in FAULTS),
    *((fault, 2) for fault in NO_ANSWER),
    *((fault, 99) for fault in TRIED_AGAIN),
]
# With how many failures each call is played: every one with a single one.
AGAIN = ("birth", "send", "invoke", "claim")
MET = {2: AGAIN, 99: [call for call in CALLS if call not in {"arguments part", "send many"}]}
ENQUEUES = {
    "enqueue": lambda: tasks.long_result.enqueue(7),
    "enqueue with much": lambda: tasks.much.enqueue(7, tasks.LONG),
    # Two, because one message alone is sent without a batch.
    "enqueue many": lambda: next(iter(tasks.long_result.enqueue_many([(7,), (8,)]))),
    "invoke": lambda: tasks.long_result.using(backend="other").enqueue(7),
}


@pytest.fixture(params=CLIENTS)
def line(settings: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    settings.TASKS = tasks_setting(modules=["tests.reliability.tasks"], client=request.param)
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != OUTBOX]
    aws = request.getfixturevalue("offload_aws")
    between = Proxy(aws.environment["AWS_ENDPOINT_URL"])
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"):
        monkeypatch.setenv(name, between.endpoint)
    sqs.clear_urls()
    tasks.executions.clear()
    tasks.first.clear()
    found = Line(aws, between)
    found.stands_between(monkeypatch, seconds=10)  # A busy machine is no fault.
    yield found
    between.close()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the pauses between tries away: throttled four times, they are seconds."""
    import botocore.endpoint

    from django_offload.aws.lean import call

    class Clock:
        sleep = staticmethod(lambda seconds: None)
        time = staticmethod(time.time)

    monkeypatch.setattr(botocore.endpoint, "time", Clock)
    monkeypatch.setattr(call, "time", Clock)


def play(line: Line, call: str, fault: str, times: int) -> Any:
    """Send a task through, with a fault at one call; return its record at the end."""
    when, name = CALLS[call]
    tasks.executions.clear()
    tasks.first.clear()
    line.proxy.hit.clear()
    line.proxy.kept.clear()
    arm = lambda: line.arm(name, fault, times)  # noqa: E731
    nothing = lambda: None  # noqa: E731
    if when == "run":
        tasks.first.append(arm)
    if when == "run again":
        tasks.first += [nothing, arm]
    if when in ENQUEUES:
        line.connect(name)
        arm()
    lucky = tasks.second_time_lucky if "run" in when else tasks.long_result
    result = ENQUEUES.get(when, lambda: lucky.enqueue(7))()
    if when not in ENQUEUES:
        if when == "deliver":
            arm()
        for _ in range(2 if "again" in when else 1):
            line.deliver()
    line.heal()
    line.now += timedelta(seconds=400)
    assert line.proxy.hit == [name] * len(line.proxy.hit)
    assert line.proxy.hit, f"{fault} never met {name}"
    if fault != "refused":
        assert line.proxy.kept[0], "it was to strike a connection that had been kept"
    return line.finish(result.id)


@pytest.mark.parametrize(
    ("fault", "times"), TIMES, ids=lambda value: {99: "until it heals"}.get(value, value)
)
def test_no_call_of_the_hot_path_loses_a_task(
    line: Line, monkeypatch: pytest.MonkeyPatch, no_pauses: None, fault: str, times: int
) -> None:
    if fault == "black hole":
        line.stands_between(monkeypatch, seconds=0.35)  # Each is waited out.
    for call in MET.get(times, CALLS):
        record = play(line, call, fault, times)

        assert record.status == "SUCCESSFUL", f"{fault} at {call}"
        assert store_of(line.options).get_part(record.enqueued.id, record.result_part) == f'"{tasks.LONG}"'
        least = 2 if "run" in CALLS[call][0] else 1
        assert least <= tasks.executions.count(7) <= record.attempts, f"{fault} at {call}"


def test_f05_throttled_up_to_20_times_a_task_is_claimed_once_and_ends(line: Line, no_pauses: None) -> None:
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
def test_f05_tries_and_pauses_end_before_the_invocation_does(line: Line, fault: str, call: str) -> None:
    assert after(line, fault, call) == "SUCCESSFUL"


@pytest.mark.parametrize("line", ["lean"], indirect=True)
@pytest.mark.parametrize("call", ["claim", "finish"])
def test_f05_an_answer_that_drips_ends_before_the_invocation_does(line: Line, call: str) -> None:
    assert after(line, "drip", call) == "SUCCESSFUL"


def after(line: Line, fault: str, call: str) -> str:
    """Run a task into a fault that stays, and see the handler answer in time; return how it ends after it."""
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
    return str(line.finish(result.id).status)


class Dying:
    """Lambda's context of an invocation that really ends."""

    log_stream_name = "2026/11/22/[$LATEST]0123456789abcdef"

    def __init__(self, line: Line, ends: float) -> None:
        self.function_name = line.options.worker_function("default")
        self.invoked_function_arn = Invocation(self.function_name).invoked_function_arn
        self.ends = ends

    def get_remaining_time_in_millis(self) -> int:
        return round((self.ends - time.monotonic()) * 1000)


def test_without_any_time_left_no_call_is_begun(line: Line) -> None:
    tasks.prepared.enqueue(7)
    (message,) = line.receive()

    said = batch.handler(line.event(message), Dying(line, time.monotonic() + 0.2))

    assert said == {"batchItemFailures": [{"itemIdentifier": message["MessageId"]}]}
    assert tasks.executions == []
