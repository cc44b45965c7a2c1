"""Lambda's event → outcomes: a batch of SQS, or one message by direct invocation."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Never

from ..aws import within
from ..stores import store_of
from ..transports import Transport, transport_of
from .connections import living_connections
from .deadline import LambdaInvocation
from .delivery import Worker
from .delivery_environment import Ending
from .events import LambdaContext, RoutedDelivery, batch, direct, invocation_of, utc_now

logger = logging.getLogger("django_offload")

# Works on an arrival but for its last write, does meanwhile what it is given, and returns what ends it.
type Begin = Callable[[RoutedDelivery, Callable[[], None]], Callable[[], bool]]


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
            answers = _work_on_all(arrivals, partial(_begun, invocation=invocation, clock=clock))
            return {
                "batchItemFailures": [
                    {"itemIdentifier": arrival.delivery.id}
                    for arrival, settled in zip(arrivals, answers, strict=True)
                    if not settled
                ]
            }
        arrival = direct(event, context)
        transport = transport_of(arrival.options, "lambda")
        with living_connections():
            _worker(arrival, transport, invocation, clock, lambda: None).deliver(arrival.delivery)
    return None


def _work_on_all(arrivals: Sequence[RoutedDelivery], begin: Begin) -> list[bool]:
    """Work on a batch, on as many messages at a time as their queue says; alone, here in the main thread."""
    first = arrivals[0]
    most = min(first.options.queues[first.delivery.queue].concurrency, len(arrivals))
    if most == 1:
        return _one_by_one(arrivals, begin)
    from .side_by_side import side_by_side

    def work(arrival: RoutedDelivery) -> bool:
        with living_connections():
            return begin(arrival, lambda: None)()

    return side_by_side(work, arrivals, most)


def _one_by_one(arrivals: Sequence[RoutedDelivery], begin: Begin) -> list[bool]:
    """
    Work on one message after the other; return their answers.

    The last write of one is under way together with the claim of the next:

        claim 1 ── run 1 ── finish 1 ╌╌╌╌┬╌ (answers) ── run 2 ── finish 2 ╌╌╌┬╌ …
                                 claim 2 ╌╌┘                        claim 3 ╌╌┘
    """
    answers: list[bool] = []
    waiting: list[Callable[[], bool]] = []

    def end() -> None:
        while waiting:
            answers.append(waiting.pop()())

    for arrival in arrivals:
        with living_connections():
            ending = begin(arrival, end)
            end()  # Where it came to no claim.
            waiting.append(ending)
            if arrival is arrivals[-1]:
                end()
    return answers


def _begun(
    arrival: RoutedDelivery,
    meanwhile: Callable[[], None],
    invocation: LambdaInvocation,
    clock: Callable[[], datetime],
) -> Callable[[], bool]:
    """
    Work on one message of a batch, but for the wait for its last write.

    Return what ends it and tells whether it may be acknowledged. Its neighbours never notice.
    """
    transport = transport_of(arrival.options, "sqs")
    try:
        ending = _worker(arrival, transport, invocation, clock, meanwhile).begin(arrival.delivery)
    except Exception as exc:  # noqa: BLE001, raised again where it is answered for
        return partial(_settled, arrival, transport, partial(_raise, exc))
    return partial(_settled, arrival, transport, ending)


def _settled(arrival: RoutedDelivery, transport: Transport, ending: Ending) -> bool:
    """End the work on one message; return whether it may be acknowledged."""
    try:
        delay = ending()
        if delay is None:
            return True
        transport.give_back(arrival.delivery, delay)
    except Exception:
        # Not the task's own exception, which is an outcome: AWS did not answer, or a defect of ours.
        logger.exception("Delivery id=%s queue=%s comes again", arrival.delivery.id, arrival.delivery.queue)
    return False


def _raise(exc: Exception) -> Never:
    raise exc


def _worker(
    arrival: RoutedDelivery,
    transport: Transport,
    invocation: LambdaInvocation,
    clock: Callable[[], datetime],
    meanwhile: Callable[[], None],
) -> Worker:
    return Worker(
        options=arrival.options,
        store=store_of(arrival.options),
        transport=transport,
        clock=clock,
        invocation=invocation,
        meanwhile=meanwhile,
    )
