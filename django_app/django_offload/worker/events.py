"""Lambda's events, read into deliveries, and how a failed one is logged."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from ..conf import Options, configured
from ..definition.registry import mask_of_arguments
from ..exceptions import UnknownEvent
from ..logs import Lines
from ..transports import Delivery
from .deadline import LambdaInvocation

if TYPE_CHECKING:
    from ..definition.masking import Mask

logger = logging.getLogger("django_offload")


def utc_now() -> datetime:
    return datetime.now(UTC)


class LambdaContext(Protocol):
    """The part of Lambda's context that handlers use."""

    function_name: str
    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RoutedDelivery:
    """A delivery, and the options of a backend of its stack."""

    options: Options
    delivery: Delivery


def invocation_of(context: LambdaContext) -> LambdaInvocation:
    """Return the time and the identity of an invocation, whose worker is named by its log stream."""

    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    # 16 digits of the random part of "2026/11/22/[$LATEST]0123…" are enough to find the stream.
    stream = (context.log_stream_name or f"pid-{os.getpid()}").rpartition("]")[2]
    return LambdaInvocation(left=left, whole=max(left(), 0.0), worker_id=stream[:16])


def batch(event: Any, handler: str, *, dead: bool = False) -> list[RoutedDelivery]:
    """Return the deliveries in a batch of SQS. Raise UnknownEvent for anything else, or an unknown queue."""
    accepted = f"a batch of one of its {'dead-letter ' if dead else ''}queues"
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list) or not records:
        raise UnknownEvent(handler, accepted)
    try:
        return [routed_delivery(record, dead) for record in records]
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise UnknownEvent(handler, accepted) from exc


def direct(event: Any, context: LambdaContext) -> RoutedDelivery:
    """Return the message that a worker function was invoked with. Raise UnknownEvent if there is none."""
    if isinstance(event, Mapping) and "sig" in event:
        for options, queue in known_queues():
            if options.worker_function(queue) == context.function_name:
                return RoutedDelivery(options, Delivery(id="direct", body=event, queue=queue))
    raise UnknownEvent("worker", "a batch of one of its queues or one signed message")


def routed_delivery(record: Mapping[str, Any], dead: bool) -> RoutedDelivery:
    if record["eventSource"] != "aws:sqs":
        raise ValueError("not of SQS")
    resource = record["eventSourceARN"].rpartition(":")[2]
    for options, queue in known_queues():
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


def known_queues() -> Iterator[tuple[Options, str]]:
    for options in configured().values():
        for queue in options.queues:
            yield options, queue


def log_exception(exc: BaseException, mask: "Mask | None", text: str, *args: object) -> None:
    """Log an exception with its traceback. Handlers format it themselves, so a mask makes it a text."""
    if mask is None:
        logger.error(text, *args, exc_info=exc)
    else:
        logger.error("%s\n%s", text % args, Lines(mask.traceback(exc)))


def mask_of_body(body: Any) -> "Mask | None":
    """Return what hides the sensitive arguments in a message's body, or None if it has none or isn't read."""
    try:
        fields = json.loads(body) if isinstance(body, str) else body
        mask = mask_of_arguments(fields["name"], lambda: [fields.get("args", []), fields.get("kwargs", {})])
        if mask is not None and "ref" in fields:
            mask.complete = False  # The arguments are in the bucket.
        return mask
    except Exception:  # noqa: BLE001, anybody may have written the body
        return None
