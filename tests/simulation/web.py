"""Web processes: they enqueue, within a transaction or without, and cancel; any of them may die."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from django_offload.conf import configured, signing_keys
from django_offload.exceptions import EnqueueFailed
from django_offload.operations.cancel import cancel
from django_offload.operations.redrive import redrive
from django_offload.outbox import drain
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import dump
from django_offload.protocol.message import Keyring, TaskMessage, encode
from django_offload.protocol.record import LONGEST_DELAY
from django_offload.sending.enqueue import message_text, send, send_many
from django_offload.stores import store_of

from .faults import MET, Fault, Killed
from .hostile import bodies
from .ledger import Entry
from .plan import Order, order, root_of, tenant_of
from .setup import QUEUES

if TYPE_CHECKING:
    from .world import World

ALIASES, SHARES = ("default", "direct", "bare", "trouble", "outbox"), (72, 15, 4, 6, 3)
# What only a record can wait for.
BEYOND = LONGEST_DELAY.total_seconds()
QUEUE_SHARES = (90, 10)
CANCELLED, REDRIVEN = 0.02, 0.3


class Web:
    """What arrives from outside: tasks, cancellations, hostile messages."""

    def __init__(self, world: "World") -> None:
        self.world, self.rng = world, world.rng
        self.options = configured()

    def enqueue(self) -> None:
        """Enqueue one task of the mix, and what may go with it."""
        world, rng = self.world, self.rng
        shares = SHARES if world.outbox else SHARES[:-1]
        wanted = order(rng, oversize=world.faults.strikes(Fault.OVERSIZE))
        alias = rng.choices(ALIASES[: len(shares)], shares)[0]
        if alias == "bare" and wanted.later > BEYOND:
            alias = "default"  # Refused by enqueue() otherwise.
        enqueued = self.place(wanted, alias)
        if world.faults.strikes(Fault.DUPLICATE):
            self._duplicate(enqueued)
        if world.faults.strikes(Fault.POISON):
            self._poison(enqueued)
        if rng.random() < CANCELLED:
            world.expect(rng.choice((0.5, 30, 400)), lambda: self.cancel(enqueued))
        if wanted.error is not None and rng.random() < REDRIVEN:
            world.expect(rng.choice((60, 1800)), lambda: self.redrive(enqueued))

    def place_many(self, orders: Sequence[Order], alias: str) -> None:
        """Enqueue tasks in bulk, as one process."""
        world, enqueued_tasks = self.world, [self.enqueued(wanted, alias) for wanted in orders]
        for wanted, enqueued in zip(orders, enqueued_tasks, strict=True):
            world.ledger.entries[enqueued.id] = Entry(wanted.name, wanted.args, wanted.value, wanted.error)
        with world.acting(world.actor("web")), suppress(Killed):
            for enqueued, failure in zip(
                enqueued_tasks, send_many(enqueued_tasks, self.options[alias]), strict=True
            ):
                entry = world.ledger.entries[enqueued.id]
                entry.acknowledged = failure is None
                if entry.acknowledged and not entry.ends:
                    world.ledger.open.add(enqueued.id)

    def leave_in_outbox(self, wanted: Order) -> None:
        """Commit a task into the outbox, in a process that dies before it can send it."""
        world, enqueued = self.world, self.enqueued(wanted, "outbox")
        entry = Entry(wanted.name, wanted.args, wanted.value, wanted.error)
        world.ledger.entries[enqueued.id] = entry
        with world.acting(world.actor("web")), suppress(Killed, *MET):
            with transaction.atomic():
                drain.put_many([enqueued])
            entry.acknowledged = True
            world.ledger.open.add(enqueued.id)

    def place(self, wanted: Order, alias: str) -> EnqueuedTask:
        """Enqueue a task, as a process of its own."""
        world, enqueued = self.world, self.enqueued(wanted, alias)
        entry = Entry(wanted.name, wanted.args, wanted.value, wanted.error, deployed=world.deployed)
        entry.run_after = entry.ready_at = enqueued.run_after
        world.ledger.entries[enqueued.id] = entry
        with world.acting(world.actor("web")), suppress(EnqueueFailed, Killed, *MET):
            self._leave(enqueued, entry)
        if entry.acknowledged and not entry.ends:
            world.ledger.open.add(enqueued.id)
        return enqueued

    def deliver(self, enqueued: EnqueuedTask, message: TaskMessage) -> None:
        """Have a message delivered now, whoever sent it, and nothing else happen."""
        options = self.options[enqueued.alias]
        self.world.ledger.entries[enqueued.id] = Entry(enqueued.name, json.loads(enqueued.arguments)[0], None)
        text = encode(message, Keyring(signing_keys(), options.scope(enqueued.queue)))
        self.world.transports[options.stack].accept(enqueued.queue, text, timedelta(0))
        self.world.time.step()

    def enqueued(self, wanted: Order, alias: str) -> EnqueuedTask:
        """Return what enqueue() makes of a task."""
        now, task_id = self.world.time.now, f"{self.rng.getrandbits(128):032x}"
        return EnqueuedTask(
            id=task_id,
            alias=alias,
            name=wanted.name,
            queue=self.rng.choices(QUEUES, QUEUE_SHARES)[0],
            arguments=dump([wanted.args, {}]),
            enqueued_at=now,
            run_after=now + timedelta(seconds=wanted.later) if wanted.later else None,
            root=root_of(task_id),
            tenant=tenant_of(task_id),
            options=wanted.options,
        )

    def _leave(self, enqueued: EnqueuedTask, entry: Entry) -> None:
        entry.attempted = True
        if enqueued.alias != "outbox":
            send(enqueued, self.options[enqueued.alias])
            entry.acknowledged = True
            return
        with transaction.atomic():
            drain.put_many([enqueued])
        entry.acknowledged = True  # A row is committed.
        send(enqueued, self.options[enqueued.alias])
        drain.forget_many([enqueued])

    def _duplicate(self, enqueued: EnqueuedTask) -> None:
        """Deliver the task's message once more, up to a minute later."""
        if enqueued.reference is None and len(enqueued.arguments) > 3_000:
            return  # Its message would refer to the bucket.
        options = self.options[enqueued.alias]
        text = message_text(enqueued, options, enqueued.start_at + timedelta(days=7))
        delay = enqueued.start_at - enqueued.enqueued_at + timedelta(seconds=self.rng.choice((0, 1, 60)))
        accept = self.world.transports[options.stack].accept
        self.world.time.after(delay, lambda: accept(enqueued.queue, text, timedelta(0)))

    def _poison(self, enqueued: EnqueuedTask) -> None:
        """Put a hostile message into a queue, among the others."""
        options = self.options["default"]
        text = message_text(
            replace(enqueued, arguments="[[],{}]"), options, enqueued.start_at + timedelta(days=7)
        )
        body = self.rng.choice(bodies(text, enqueued.id))
        self.world.transports[options.stack].accept(enqueued.queue, body, timedelta(0))

    def redrive(self, enqueued: EnqueuedTask) -> None:
        """Give a task another life, should it have FAILED by now."""
        world, options = self.world, self.options[enqueued.alias]
        with world.acting(world.actor("web")), suppress(Exception, Killed):
            redrive(store_of(options), enqueued.id, options, world.time.now)

    def cancel(self, enqueued: EnqueuedTask) -> None:
        """Cancel a task, as the page does."""
        world, options = self.world, self.options[enqueued.alias]
        world.ledger.entries[enqueued.id].asked_to_stop = True
        with world.acting(world.actor("web")), suppress(Exception, Killed):
            cancel(store_of(options), enqueued, options, world.time.now)
