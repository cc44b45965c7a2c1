"""Lambda's event → outcomes: a batch of SQS, or one message by direct invocation."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ..stores import store_of
from ..transports import Transport, transport_of
from ..wire import within
from .connections import living_connections
from .deadline import Invocation
from .delivery import Worker
from .events import Arrival, LambdaContext, batch, direct, invocation_of

logger = logging.getLogger("django_offload")


def utc_now() -> datetime:
    return datetime.now(UTC)


def handler(
    event: Any, context: LambdaContext, clock: Callable[[], datetime] = utc_now
) -> dict[str, Any] | None:
    """
    Work on what the function was invoked with, and on nothing else.

    Return, for a batch, the partial batch response: what it does not name is acknowledged. Raise
    UnknownEvent if the event is neither a batch of one of our queues nor a message of ours.
    """
    invocation = invocation_of(context)
    with within(invocation.left):
        if isinstance(event, Mapping) and "Records" in event:
            arrivals = batch(event, "worker")
            answers = _work_on_all(arrivals, partial(_settled, invocation=invocation, clock=clock))
            return {
                "batchItemFailures": [
                    {"itemIdentifier": arrival.delivery.id}
                    for arrival, settled in zip(arrivals, answers, strict=True)
                    if not settled
                ]
            }
        arrival = direct(event, context)
        _work(arrival, transport_of(arrival.options, "lambda"), invocation, clock)
    return None


def _work_on_all(arrivals: Sequence[Arrival], work: Callable[[Arrival], bool]) -> list[bool]:
    """Work on a batch, on as many messages at a time as their queue says; alone, here in the main thread."""
    first = arrivals[0]
    most = min(first.options.queues[first.delivery.queue].concurrency, len(arrivals))
    if most == 1:
        return [work(arrival) for arrival in arrivals]
    from .side_by_side import side_by_side

    return side_by_side(work, arrivals, most)


def _settled(arrival: Arrival, invocation: Invocation, clock: Callable[[], datetime]) -> bool:
    """Work on one message of a batch; return whether it may be acknowledged. Its neighbours never notice."""
    transport = transport_of(arrival.options, "sqs")
    try:
        delay = _work(arrival, transport, invocation, clock)
        if delay is None:
            return True
        transport.give_back(arrival.delivery, delay)
    except Exception:
        # Not the task's own exception, which is an outcome: AWS did not answer, or a defect of ours.
        logger.exception("Delivery id=%s queue=%s comes again", arrival.delivery.id, arrival.delivery.queue)
    return False


def _work(
    arrival: Arrival, transport: Transport, invocation: Invocation, clock: Callable[[], datetime]
) -> timedelta | None:
    worker = Worker(
        options=arrival.options,
        store=store_of(arrival.options),
        transport=transport,
        clock=clock,
        invocation=invocation,
    )
    with living_connections():
        return worker.deliver(arrival.delivery)
