"""AWS between the queues and the functions: event source mappings, asynchronous invocations, schedules."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django_offload.conf import Options, configured
from django_offload.testing import sqs_event
from django_offload.transports import Delivery
from django_offload.worker import batch, dead_letter, sweep

from .actors import SimulatedContext
from .clock import START
from .faults import Fault, Killed
from .seams import InvokedTransport
from .setup import TIMEOUT

if TYPE_CHECKING:
    from .world import World

# Tasks that another release has otherwise.
CHANGED = re.compile(r'"name":"sim[.](renamed|resized|fresh)')
SECOND = timedelta(seconds=1)
# Seconds for which a batch may be gathered. Leases and sweeps fall on the same grid, so a recovery in the
# simulation is up to this much longer than with the polls of SQS, which wait for no grid.
WINDOW = 2
# A failed batch stays invisible: six times the function's timeout, as the template says.
VISIBILITY = timedelta(seconds=6 * TIMEOUT)
MOST_RECEIVES = 13
# Lambda tries an asynchronous invocation three times in all.
INVOCATIONS = 3
BETWEEN_INVOCATIONS = timedelta(minutes=1)


class Mapping:
    """Hands what waits in the queues of one stack to its functions."""

    def __init__(self, world: "World", options: Options) -> None:
        self.world, self.rng, self.options = world, world.rng, options
        self.transport = world.transports[options.stack]
        self.direct = isinstance(self.transport, InvokedTransport)
        self._planned: set[tuple[str, int]] = set()

    def arrived(self, queue: str, delay: timedelta) -> None:
        """Plan to receive what becomes visible in a queue, with whatever else becomes so in this window."""
        wanted = (self.world.time.now + delay - START).total_seconds()
        window = (queue, int(wanted / WINDOW) + 1)
        if window not in self._planned:
            self._planned.add(window)
            self.world.time.after(
                START + timedelta(seconds=WINDOW * window[1]) - self.world.time.now,
                lambda: self._open(window),
            )

    def _open(self, window: tuple[str, int]) -> None:
        self._planned.discard(window)
        self.poll(window[0])

    def poll(self, queue: str) -> None:
        """Receive a batch, invoke the worker, delete what it did not name."""
        limit = 1 if self.direct else self.rng.randint(1, 10)
        deliveries = self.transport.receive(queue, limit)
        if len(deliveries) == limit:
            self.world.time.after(SECOND / 10, lambda: self.poll(queue))
        for held in self.transport.take_dead(queue):
            if not self.direct:
                self.bury(Delivery(id=held["id"], body=held["body"], queue=queue, handle=held["id"]))
        if not deliveries:
            return
        if self.world.design.deletes_first:
            self._delete(deliveries)
        kept = self._invoke(queue, deliveries)
        self._delete([delivery for delivery in deliveries if delivery.id not in kept])
        if kept:
            again = BETWEEN_INVOCATIONS if self.direct else VISIBILITY
            self.world.time.after(again + SECOND, lambda: self.poll(queue))

    def _delete(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            self.transport.delete(delivery)

    def _invoke(self, queue: str, deliveries: list[Delivery]) -> set[str]:
        """Return which deliveries are to come again."""
        every = {delivery.id for delivery in deliveries}
        try:
            answer = self._handle(queue, deliveries)
        except (Exception, Killed):  # noqa: BLE001, what a handler raises fails its whole batch
            return every
        kept = {failure["itemIdentifier"] for failure in (answer or {}).get("batchItemFailures", ())}
        if self.world.faults.strikes(Fault.PARTIAL_BATCH):
            # Lambda's answer is lost; or one message, though acknowledged, could not be deleted.
            self.world.struck([delivery.body for delivery in deliveries])
            return every if self.rng.random() < 0.5 else kept | {self.rng.choice(deliveries).id}
        return kept

    def _handle(self, queue: str, deliveries: list[Delivery]) -> Any:
        actor = self.world.process("worker", timedelta(seconds=TIMEOUT))
        actor.given = [str(delivery.body) for delivery in deliveries]
        if actor.skew:
            self.world.struck(actor.given)
        if self.world.deployed:
            self.world.faults.counts[Fault.DEPLOY] += sum(
                CHANGED.search(body) is not None for body in actor.given
            )
        function = self.options.worker_function(queue)
        context = SimulatedContext(function, f"[$LATEST]{self.rng.getrandbits(64):016x}", actor)
        with self.world.acting(actor):
            if self.direct:
                return batch.handler(json.loads(str(deliveries[0].body)), context, actor.clock)
            return batch.handler(sqs_event(deliveries, self.options.queue(queue)), context, actor.clock)

    def bury(self, letter: Delivery) -> None:
        """Hand a dead letter to its handler, until that acknowledges it."""
        actor = self.world.process("dead letters", timedelta(seconds=60))
        context = SimulatedContext(self.options.function("dead-letter"), "[$LATEST]dead", actor)
        event = sqs_event([letter], self.options.dead_letter_queue(letter.queue))
        try:
            with self.world.acting(actor):
                failed = dead_letter.handler(event, context, actor.clock)["batchItemFailures"]
        except Killed:
            failed = [letter.id]
        if failed:
            self.world.time.after(timedelta(minutes=6), lambda: self.bury(letter))


class Schedule:
    """The sweeper's rule: every minute; an invocation may meet the one before."""

    def __init__(self, world: "World", more: Callable[[], bool]) -> None:
        self.world, self.more = world, more

    def tick(self) -> None:
        world = self.world
        if not self.more():
            return
        world.time.after(timedelta(minutes=1), self.tick)
        actor = world.process("sweeper", timedelta(seconds=60))
        if actor.skew:
            world.overlooked()
        if not world.outbox_rows.rows and not any(
            store.may_show(actor.clock()) for store in world.stores.values()
        ):
            return  # It would find nothing, at a cost for each shard.
        try:
            with world.acting(actor):
                done = sweep.sweep(actor.clock, actor.left)
            world.swept.update(done)
        except (Exception, Killed):  # noqa: BLE001, another sweep follows
            world.swept["died"] += 1


def stacks() -> dict[str, Options]:
    """Return the options of one alias of each stack."""
    return {options.stack: options for options in reversed(configured().values())}
