"""Build the arguments with which Lambda calls a handler."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.crypto import get_random_string

from ..transports import Delivery
from ..worker.events import utc_now

MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class Invocation:
    """A replacement for the context that Lambda passes to a handler. Its time falls as its clock goes on."""

    function_name: str
    seconds: float = 300.0  # At its beginning.
    log_stream_name: str = field(
        default_factory=lambda: f"[$LATEST]{get_random_string(32, '0123456789abcdef')}"
    )
    clock: Callable[[], datetime] = utc_now
    _ends_at: datetime = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._ends_at = self.clock() + timedelta(seconds=self.seconds)

    def get_remaining_time_in_millis(self) -> int:
        return max(round((self._ends_at - self.clock()) / MILLISECOND), 0)


def sqs_event(deliveries: list[Delivery], queue: str) -> dict[str, Any]:
    """Return the event that Lambda makes from messages of an SQS queue."""
    return {
        "Records": [
            {
                "messageId": delivery.id,
                "receiptHandle": delivery.handle,
                "body": delivery.body if isinstance(delivery.body, str) else json.dumps(delivery.body),
                "attributes": {"ApproximateReceiveCount": str(delivery.receives)},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
                "awsRegion": "us-east-1",
            }
            for delivery in deliveries
        ]
    }
