"""
Count the modules of the library that one warm enqueue() and one warm delivery of a plain task enter.

    make modules-entered

AWS's adapters run over clients that answer at once, with no network, without an owner and without the lean
client: what is counted is the way through the house, which a reader follows from module to module.
"""

import json
import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any
from unittest import mock

import django

import django_offload

NAME = "tests.benchmarks.modules_entered"
LIBRARY = Path(django_offload.__file__).parent
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/bench-default"


def nobody() -> None:
    """Be whose requests are not looked at."""


class Missing(Exception):
    """What the clients below never raise."""


class Client:
    """Answers every call of DynamoDB and SQS at once, and keeps the last message."""

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=Missing,
        ResourceNotFoundException=Missing,
        QueueDoesNotExist=Missing,
    )
    meta = SimpleNamespace(endpoint_url="https://sqs.us-east-1.amazonaws.com")

    def __init__(self) -> None:
        self.record: dict[str, Any] = {}
        self.body = ""

    def put_item(self, *, Item: dict[str, Any], **rest: object) -> dict[str, Any]:
        self.record = Item
        return {}

    def update_item(self, **rest: object) -> dict[str, Any]:
        return {"Attributes": self.record} if rest.get("ReturnValues") == "ALL_OLD" else {}

    def get_queue_url(self, **rest: object) -> dict[str, Any]:
        return {"QueueUrl": QUEUE_URL}

    def send_message(self, *, MessageBody: str, **rest: object) -> dict[str, Any]:
        self.body = MessageBody
        return {}


@contextmanager
def without_network() -> Any:
    """Have the adapters call clients that answer at once, in a process that hasn't loaded Django's tests."""
    from django_offload.aws import clients
    from django_offload.compat import TEST_UTILS

    client, pid = Client(), os.getpid()
    clients._clients.update({(pid, service): client for service in ("dynamodb", "sqs")})
    try:
        with mock.patch.dict(sys.modules):
            del sys.modules[TEST_UTILS]
            yield client
    finally:
        clients.reset_clients()


def entered(action: Callable[[], object]) -> list[str]:
    """Return the modules of the library whose functions run during the action."""
    found = set[str]()

    def look(frame: FrameType, event: str, argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(LIBRARY):
            name = path.relative_to(LIBRARY).as_posix()
            # The event and Lambda's context are made by the fixtures' code, which is no part of the way.
            if "/lean/" not in name and not name.startswith("testing/"):
                found.add(name)

    sys.setprofile(look)
    try:
        action()
    finally:
        sys.setprofile(None)
    return sorted(found)


def measured() -> dict[str, list[str]]:
    """Return the modules that one warm enqueue(), and one warm delivery, enter."""
    from django_offload.conf import configured
    from django_offload.testing.events import Invocation, sqs_event
    from django_offload.transports import Delivery
    from django_offload.worker.batch import handler
    from tests.benchmarks.tasks import nothing

    options = configured()["default"]
    with without_network() as client:

        def work() -> None:
            delivery = Delivery(id="m1", body=client.body, queue="default", handle="r1")
            event = sqs_event([delivery], options.queue("default"))
            answer = handler(event, Invocation(options.worker_function("default")))
            assert answer == {"batchItemFailures": []}

        def enqueue() -> None:
            nothing.enqueue(7)

        for _ in range(2):  # The first of each looks up what is looked up once.
            enqueue()
            work()
        return {"enqueue": entered(enqueue), "delivery": entered(work)}


def main() -> int:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.site"
    django.setup()
    from django.test.utils import override_settings

    from tests.benchmarks.site import offload

    with override_settings(TASKS={"default": offload(client="boto3", owner=f"{NAME}.nobody")}):
        found = measured()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return 0
    for action, names in found.items():
        print(f"{action}: {len(names)} modules")
        print(*(f"  {name}" for name in names), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
