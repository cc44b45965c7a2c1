"""From Lambda's event to outcomes: a batch of SQS, or one message by direct invocation."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..aws import within
from ..exceptions import CallFailed, MessageRefused
from ..stores import store_of
from ..transports import transport_of
from .attempt import PendingOutcome, nothing_pending
from .connections import living_connections
from .deadline import LambdaInvocation
from .delivery import Worker
from .events import (
    LambdaContext,
    RoutedDelivery,
    batch,
    direct,
    invocation_of,
    log_exception,
    mask_of_body,
    utc_now,
)
from .process_state import OneInvocation, process_state, put_back


def handler(
    event: Any, context: LambdaContext, clock: Callable[[], datetime] = utc_now
) -> dict[str, Any] | None:
    """
    Work on what the function was invoked with, and on nothing else.

    For a batch, return the partial batch response: a message that it doesn't name is acknowledged. Raise
    UnknownEvent if the event is neither a batch of one of the stack's queues nor one signed message.
    """
    invocation = invocation_of(context)
    # Before anything else, so that another event has no effect at all.
    is_batch = type(event) is dict and "Records" in event
    deliveries = batch(event, context, "worker") if is_batch else [direct(event, context)]
    with within(invocation.left), OneInvocation():
        if is_batch:
            items = [BatchItem(routed, invocation, clock) for routed in deliveries]
            work_on(items)
            return {
                "batchItemFailures": [
                    {"itemIdentifier": item.routed.delivery.id} for item in items if not item.acknowledged
                ]
            }
        item = BatchItem(deliveries[0], invocation, clock, transport="lambda")
        with living_connections():
            item.work_directly()
    return None


class BatchItem:
    """One message of a batch, and whether it is acknowledged in the end. Its neighbours never notice it."""

    def __init__(
        self,
        routed: RoutedDelivery,
        invocation: LambdaInvocation,
        clock: Callable[[], datetime],
        transport: str = "sqs",
    ) -> None:
        self.routed, self.invocation, self.clock = routed, invocation, clock
        self.transport = transport_of(routed.options, transport)
        self.pending: PendingOutcome | None = None
        self.acknowledged = False

    def worker(self, complete_previous: Callable[[], None] = nothing_pending) -> Worker:
        options = self.routed.options
        return Worker(
            options=options,
            store=store_of(options),
            transport=self.transport,
            clock=self.clock,
            invocation=self.invocation,
            complete_previous=complete_previous,
        )

    def work_directly(self) -> None:
        """Work on the message of a direct invocation. Raise what Lambda shall log and try again."""
        try:
            self.worker().deliver(self.routed.delivery)
            return
        except MessageRefused:
            raise
        except Exception as exc:
            mask = mask_of_body(self.routed.delivery.body)
            if mask is None:
                raise
            kind = type(exc).__qualname__
            log_exception(exc, mask, "Invocation for queue=%s failed", self.routed.delivery.queue)
        # Here nothing is chained to the exception, whose text may quote the arguments.
        raise CallFailed(
            f"The delivery failed with {kind}. The worker's log has its text. It will be tried again."
        )

    def work(self, complete_previous: Callable[[], None] = nothing_pending) -> None:
        """Work on the message; a success may stay pending."""
        worker = self.worker(complete_previous)
        self.settle(lambda: worker.deliver(self.routed.delivery))

    def complete(self) -> None:
        """Wait for the pending success, if there is one."""
        pending, self.pending = self.pending, None
        if pending is not None:
            worker = self.worker()
            self.settle(lambda: worker.complete(pending))

    def settle(self, step: Callable[[], timedelta | PendingOutcome | None]) -> None:
        """Take a step, and acknowledge the message or have it come back as the step says."""
        try:
            answer = step()
            if isinstance(answer, PendingOutcome):
                self.pending = answer
            elif answer is None:
                self.acknowledged = True
            else:
                self.transport.give_back(self.routed.delivery, answer)
        except Exception as exc:  # noqa: BLE001, one message must not keep the others from being worked on
            # Not the task's own exception, which is an outcome: AWS didn't answer, or there is a defect here.
            delivery = self.routed.delivery
            text, mask = "Delivery id=%s queue=%s comes again", mask_of_body(delivery.body)
            log_exception(exc, mask, text, delivery.id, delivery.queue)


def work_on(items: Sequence[BatchItem]) -> None:
    """Work on a batch, on as many messages at a time as their queue says; alone, in the main thread."""
    routed = items[0].routed
    at_a_time = min(routed.options.queues[routed.delivery.queue].concurrency, len(items))
    if at_a_time == 1:
        work_one_by_one(items)
        return
    from .side_by_side import side_by_side

    # Tasks that run beside each other share their process, so it is put back after all of them.
    process = process_state()
    try:
        side_by_side(work_alone, items, at_a_time)
    finally:
        put_back(process, lambda: f"A task of queue {routed.delivery.queue}")


def work_one_by_one(items: Sequence[BatchItem]) -> None:
    """Work on one message after the other; the claim of each completes the success of the one before."""
    complete_previous = nothing_pending
    for item in items:
        with living_connections():
            item.work(complete_previous)
            complete_previous()  # If the item came to no claim.
            complete_previous = item.complete
            if item is items[-1]:
                item.complete()


def work_alone(item: BatchItem) -> bool:
    with living_connections():
        item.work()
        item.complete()
    return item.acknowledged
