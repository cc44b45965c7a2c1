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
# Where the functions and queues of these events are, as in moto.
REGION, ACCOUNT = "us-east-1", "123456789012"


@dataclass(slots=True)
class Invocation:
    """A replacement for the context that Lambda passes to a handler. Its time falls as its clock goes on."""

    function_name: str
    seconds: float = 300.0  # At its beginning.
    log_stream_name: str = field(
        default_factory=lambda: f"[$LATEST]{get_random_string(32, '0123456789abcdef')}"
    )
    clock: Callable[[], datetime] = utc_now
    invoked_function_arn: str = ""  # By default that of a function with this name.
    _ends_at: datetime = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.invoked_function_arn:
            self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"
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
                "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
                "awsRegion": REGION,
            }
            for delivery in deliveries
        ]
    }


def sweep_event(function_name: str, at: datetime) -> dict[str, Any]:
    """Return the event with which EventBridge starts a sweeper each minute."""
    return {
        "version": "0",
        "id": "89d1a02d-5ec7-412e-82f5-13505f849b41",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{function_name}"],
        "detail": {},
    }
