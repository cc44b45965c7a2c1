"""What Lambda hands to a handler, read into deliveries."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from ..conf import Options, configured
from ..exceptions import UnknownEvent
from ..transports import Delivery
from .deadline import LambdaInvocation


def utc_now() -> datetime:
    return datetime.now(UTC)


class LambdaContext(Protocol):
    """What is used of the context that Lambda hands to a handler."""

    function_name: str
    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RoutedDelivery:
    """A delivery, and the options of a backend of the stack it belongs to."""

    options: Options
    delivery: Delivery


def invocation_of(context: LambdaContext) -> LambdaInvocation:
    """Return the time and the identity of an invocation; its worker is named by its log stream."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    # The random part: "2026/11/22/[$LATEST]0123…" → 16 digits of it find the stream again.
    stream = (context.log_stream_name or f"pid-{os.getpid()}").rpartition("]")[2]
    return LambdaInvocation(left=left, whole=max(left(), 0.0), worker_id=stream[:16])


def batch(event: Any, handler: str, *, dead: bool = False) -> list[RoutedDelivery]:
    """Return what a batch of SQS holds. Raise UnknownEvent if it is anything else, or of a queue not ours."""
    accepted = f"a batch of one of its {'dead-letter ' if dead else ''}queues"
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or not records:
        raise UnknownEvent(handler, accepted)
    try:
        return [_arrival(record, dead) for record in records]
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise UnknownEvent(handler, accepted) from exc


def direct(event: Any, context: LambdaContext) -> RoutedDelivery:
    """Return the one message that a worker function was invoked with. Raise UnknownEvent if it is none."""
    if isinstance(event, Mapping) and "sig" in event:
        for options, queue in _queues():
            if options.worker_function(queue) == context.function_name:
                return RoutedDelivery(options, Delivery(id="direct", body=event, queue=queue))
    raise UnknownEvent("worker", "a batch of one of its queues or one signed message")


def _arrival(record: Mapping[str, Any], dead: bool) -> RoutedDelivery:
    if record["eventSource"] != "aws:sqs":
        raise ValueError("not of SQS")
    resource = record["eventSourceARN"].rpartition(":")[2]
    for options, queue in _queues():
        if resource == (options.dead_letter_queue(queue) if dead else options.queue(queue)):
            return RoutedDelivery(
                options,
                Delivery(
                    id=record["messageId"],
                    body=record["body"],
                    queue=queue,
                    handle=record["receiptHandle"],
                    receives=int(record["attributes"]["ApproximateReceiveCount"]),
                ),
            )
    raise ValueError(f"no queue of TASKS is named {resource}")


def _queues() -> Iterator[tuple[Options, str]]:
    for options in configured().values():
        for queue in options.queues:
            yield options, queue
