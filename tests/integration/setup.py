"""What integration tests look at and reach into."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django_offload.conf import configured
from django_offload.local.aws.sqs_event import make_record
from django_offload.protocol.conditional_write import ConditionalWrite, equals
from django_offload.protocol.json_codec import to_micros
from django_offload.protocol.record import TaskRecord, read_record
from django_offload.protocol.transitions import claim
from django_offload.stores import Store, store_of
from django_offload.testing import Invocation
from django_offload.worker import batch
from tests.contract.setup import STACK

MODULES = ["tests.integration.tasks", "tests.contract.tasks"]
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def store() -> Store:
    """Return the store of the default backend."""
    return store_of(configured()["default"])


def record_of(task_id: str) -> TaskRecord:
    """Return the record of a task, which must be there."""
    attributes = store().get(task_id)
    assert attributes is not None, f"there is no record of {task_id}"
    return read_record(attributes)


def has_record(task_id: str) -> bool:
    return store().get(task_id) is not None


def claim_by_another(task_id: str, *, ago: timedelta, lease: timedelta, max_attempts: int = 3) -> None:
    """Claim a record as another worker, some time ago."""
    at = datetime.now(UTC) - ago
    store().change(
        task_id,
        claim(
            None,
            token="another",
            worker_id="another-worker",
            now=at,
            lease_until=at + lease,
            max_attempts=max_attempts,
        ),
    )


def enqueued_before(task_id: str, ago: timedelta) -> None:
    """Make a record older, so that it could be claimed in the past."""
    at = to_micros(datetime.now(UTC) - ago)
    store().change(
        task_id,
        ConditionalWrite(
            name="age", conditions=((equals("id", task_id),),), put={"not_before": at, "enqueued_at": at}
        ),
    )


def take_over(task_id: str) -> None:
    """Let the lease of a running task's first attempt run out, and another worker claim it."""
    expired = to_micros(record_of(task_id).attempted_at - MINUTE)
    store().change(
        task_id,
        ConditionalWrite(name="age", conditions=((equals("fence", 1),),), put={"lease_until": expired}),
    )
    claim_by_another(task_id, ago=0 * MINUTE, lease=5 * MINUTE)


class Queues:
    """The queues of the stack in SQS, as their owner sees them."""

    def __init__(self, sqs: Any) -> None:
        self.sqs = sqs

    def url(self, queue: str = "default") -> str:
        found: str = self.sqs.get_queue_url(QueueName=f"{STACK}-{queue}")["QueueUrl"]
        return found

    def send(self, body: str, queue: str = "default") -> None:
        self.sqs.send_message(QueueUrl=self.url(queue), MessageBody=body)

    def take(self, queue: str = "default", limit: int = 10) -> list[dict[str, Any]]:
        """Receive messages, which stay invisible for a while."""
        found: list[dict[str, Any]] = self.sqs.receive_message(
            QueueUrl=self.url(queue), MaxNumberOfMessages=limit, MessageSystemAttributeNames=["All"]
        ).get("Messages", [])
        return found

    def body(self, queue: str = "default") -> str:
        """Take the one message of a queue away, and return its body."""
        (message,) = self.take(queue)
        self.sqs.delete_message(QueueUrl=self.url(queue), ReceiptHandle=message["ReceiptHandle"])
        return str(message["Body"])

    def counts(self, queue: str = "default") -> tuple[int, int]:
        """Return how many messages are visible, and how many are not (under way, or delayed)."""
        names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
        said = self.sqs.get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=names)["Attributes"]
        visible, taken, delayed = (int(said[name]) for name in names)
        return visible, taken + delayed

    def use_up(self, queue: str = "default") -> None:
        """Receive a queue's messages until SQS gives them up."""
        for _ in range(20):
            self.sqs.receive_message(QueueUrl=self.url(queue), VisibilityTimeout=0, MaxNumberOfMessages=10)


def event_of(messages: list[dict[str, Any]], queue: str = "default") -> dict[str, Any]:
    """Return the event that Lambda makes of received messages."""
    arn = f"arn:aws:sqs:us-east-1:123456789012:{STACK}-{queue}"
    return {"Records": [make_record(message, arn) for message in messages]}


def work_at(ahead: timedelta, event: dict[str, Any], queue: str = "default", seconds: float = 300) -> Any:
    """Invoke a queue's worker as if it were `ahead` later than now."""
    return batch.handler(
        event,
        Invocation(f"{STACK}-{queue}-worker", seconds=seconds),
        lambda: datetime.now(UTC) + ahead,
    )


def resigned(body: str, **changes: Any) -> str:
    """Return a message with other fields, its signature kept: a forgery."""
    return json.dumps(json.loads(body) | changes, separators=(",", ":"))
