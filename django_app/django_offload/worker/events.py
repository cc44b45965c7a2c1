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

# No context of Lambda leaves more: an invocation takes 15 minutes, and some regions allow more.
LONGEST_MILLIS = 86_400_000
# More digits than the receives of any message have, which SQS keeps for 14 days at most.
COUNT_DIGITS = 9


def utc_now() -> datetime:
    return datetime.now(UTC)


class LambdaContext(Protocol):
    """The part of Lambda's context that handlers use."""

    function_name: str
    invoked_function_arn: str
    log_stream_name: str

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RoutedDelivery:
    """A delivery, and the options of a backend of its stack."""

    options: Options
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Place:
    """The partition, region and account of a function, in which all resources of its stack are."""

    partition: str
    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def place_of(context: LambdaContext) -> Place | None:
    """Return where the invoked function is, or None if the context doesn't say so."""
    arn = getattr(context, "invoked_function_arn", None)
    # A version or an alias may follow the name.
    parts = arn.split(":", 7) if isinstance(arn, str) else []
    if parts[:1] + parts[2:3] + parts[5:7] != ["arn", "lambda", "function", context.function_name]:
        return None
    return Place(parts[1], parts[3], parts[4])


def qualifier_of(context: LambdaContext) -> str:
    """Return the alias or the version that a function was invoked by, or an empty text if there is none."""
    arn = getattr(context, "invoked_function_arn", None)
    return arn.split(":", 7)[7] if isinstance(arn, str) and arn.count(":") > 6 else ""


def seconds_left(context: LambdaContext) -> float:
    """
    Return how many seconds an invocation has left: none if its context says nothing that makes sense.

    After its deadline the number is negative, so that a lease which is counted from it has ended too.
    """
    millis: object = context.get_remaining_time_in_millis()
    if not isinstance(millis, int | float) or millis != millis:  # NaN is the only number that differs.
        return 0.0
    return max(min(millis, LONGEST_MILLIS), -LONGEST_MILLIS) / 1000


def invocation_of(context: LambdaContext) -> LambdaInvocation:
    """Return the time and the identity of an invocation, whose worker is named by its log stream."""

    def left() -> float:
        return seconds_left(context)

    # 16 digits of the random part of "2026/11/22/[$LATEST]0123…" are enough to find the stream.
    stream = (context.log_stream_name or f"pid-{os.getpid()}").rpartition("]")[2]
    return LambdaInvocation(left=left, whole=max(left(), 0.0), worker_id=stream[:16])


def batch(event: Any, context: LambdaContext, handler: str, *, dead: bool = False) -> list[RoutedDelivery]:
    """
    Return the deliveries in a batch of SQS.

    Raise UnknownEvent for anything else, and for a queue that isn't the function's own: its partition,
    region, account and name have to match.
    """
    try:
        queues = own_queues(context, dead)
        records = event["Records"] if type(event) is dict else None
        if type(records) is not list or not records:
            raise TypeError("not a batch")
        return [routed_delivery(record, queues) for record in records]
    except (KeyError, TypeError, ValueError) as exc:
        accepted = f"a batch of one of its {'dead-letter ' if dead else ''}queues"
        raise UnknownEvent(handler, accepted) from exc


def direct(event: Any, context: LambdaContext) -> RoutedDelivery:
    """Return the message that a worker function was invoked with. Raise UnknownEvent if there is none."""
    if type(event) is dict and "sig" in event and place_of(context) is not None:
        for options, queue in known_queues():
            if options.worker_function(queue) == context.function_name:
                return RoutedDelivery(options, Delivery(id="direct", body=event, queue=queue))
    raise UnknownEvent("worker", "a batch of one of its queues or one signed message")


def own_queues(context: LambdaContext, dead: bool) -> Mapping[str, tuple[Options, str]]:
    """Return the queues that feed the invoked function, by ARN. Raise ValueError if it isn't known."""
    place = place_of(context)
    if place is None:
        raise ValueError("the context names no function")
    queues: dict[str, tuple[Options, str]] = {}
    for options, queue in known_queues():
        function = options.function("dead-letter") if dead else options.worker_function(queue)
        if function == context.function_name:
            name = options.dead_letter_queue(queue) if dead else options.queue(queue)
            queues.setdefault(place.arn("sqs", name), (options, queue))
    return queues


def routed_delivery(record: Mapping[str, Any], queues: Mapping[str, tuple[Options, str]]) -> RoutedDelivery:
    """Return the delivery of an SQS record. Raise an exception if it isn't one of these queues' records."""
    if type(record) is not dict or record["eventSource"] != "aws:sqs":
        raise TypeError("not of SQS")
    options, queue = queues[record["eventSourceARN"]]
    texts = [record[name] for name in ("messageId", "body", "receiptHandle")]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("not a message")
    message_id, body, handle = texts
    count = record["attributes"]["ApproximateReceiveCount"]
    if not (isinstance(count, str) and count.isascii() and count.isdigit() and len(count) <= COUNT_DIGITS):
        raise ValueError("not a count of receives")
    delivery = Delivery(id=message_id, body=body, queue=queue, handle=handle, receives=int(count))
    return RoutedDelivery(options, delivery)


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
