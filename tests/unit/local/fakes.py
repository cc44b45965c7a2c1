"""Fakes of a queue, of deployed functions and of the invoker that runs them."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from django_offload.local.errors import FunctionMissing
from django_offload.local.lambda_.functions import Function, function_name
from django_offload.local.lambda_.invoker import Invoker, Outcome

SOURCE = "arn:aws:sqs:eu-north-1:123456789012:shop-default"


def function(name: str = "shop-default-worker", **changes: Any) -> Function:
    defaults: dict[str, Any] = {
        "name": name,
        "arn": f"arn:aws:lambda:eu-north-1:123456789012:function:{name}",
        "handler": "tests.integration.local.handlers.acknowledge",
        "timeout_seconds": 3,
        "memory": 256,
    }
    return Function(**{**defaults, **changes})


def eventually(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until `condition` holds; fail if it does not in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"the condition was false for {seconds:g} s"
        time.sleep(0.005)


class FakeFunctions:
    """Deployed functions without AWS."""

    def __init__(self, *deployed: Function) -> None:
        self._deployed = {function.name: function for function in deployed}

    def get(self, name: str) -> Function:
        try:
            return self._deployed[function_name(name)]
        except KeyError:
            raise FunctionMissing(name) from None


class FakeInvoker(Invoker):
    """Returns the given outcomes one after the other, repeats the last, and stores the events."""

    def __init__(self, *outcomes: Outcome, during: Callable[[], None] = lambda: None) -> None:
        self.events: list[bytes] = []
        self._outcomes = list(outcomes) or [Outcome(payload=b"null")]
        self._during = during
        self._lock = threading.Lock()

    def invoke(self, function: Function, event: bytes) -> Outcome:
        with self._lock:
            self.events.append(event)
            outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        self._during()
        return outcome

    def close(self) -> None:
        pass


class FakeSQS:
    """One queue. It returns at most ten waiting messages at a time, and stores deleted handles."""

    def __init__(self, *bodies: str) -> None:
        self._numbers = itertools.count()
        self.waiting = [self._message(body) for body in bodies]
        self.deleted: list[str] = []
        self.visible: list[str] = []  # Receipt handles whose messages were made visible at once.
        self.receives: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    def _message(self, body: str) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "MessageId": f"id-{number}",
            "ReceiptHandle": f"receipt-{number}",
            "Body": body,
            "MD5OfBody": "0" * 32,
            "Attributes": {"ApproximateReceiveCount": "1"},
        }

    def send(self, *bodies: str) -> None:
        with self.lock:
            self.waiting += [self._message(body) for body in bodies]

    def get_queue_url(self, *, QueueName: str) -> dict[str, str]:
        return {"QueueUrl": f"http://127.0.0.1/123456789012/{QueueName}"}

    def receive_message(self, **arguments: Any) -> dict[str, Any]:
        assert arguments["MaxNumberOfMessages"] <= 10
        with self.lock:
            self.receives.append(arguments)
            count = arguments["MaxNumberOfMessages"]
            received, self.waiting = self.waiting[:count], self.waiting[count:]
        return {"Messages": received} if received else {}

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        assert len(Entries) <= 10
        self.deleted += [entry["ReceiptHandle"] for entry in Entries]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def change_message_visibility_batch(
        self, *, QueueUrl: str, Entries: list[dict[str, Any]]
    ) -> dict[str, Any]:
        assert len(Entries) <= 10
        self.visible += [entry["ReceiptHandle"] for entry in Entries if entry["VisibilityTimeout"] == 0]
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}
