"""Web processes: they enqueue, within a transaction or without, and cancel; any of them may die."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from django_offload.conf import configured, secrets
from django_offload.exceptions import EnqueueFailed
from django_offload.operations.cancel import cancel
from django_offload.operations.redrive import redrive
from django_offload.outbox import drain
from django_offload.protocol.enqueued_task import Birth, dump
from django_offload.protocol.message import Keyring, TaskMessage, encode
from django_offload.protocol.record import LONGEST_DELAY
from django_offload.sending.many import send_many
from django_offload.sending.record_and_message import message_text, send
from django_offload.stores import store_of

from .actors import Actor
from .faults import MET, Fault, Killed
from .hostile import bodies
from .ledger import Entry
from .plan import Order, order
from .setup import QUEUES

if TYPE_CHECKING:
    from .world import World

ALIASES, SHARES = ("default", "direct", "bare", "outbox"), (76, 15, 6, 3)
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
        birth = self.place(wanted, alias)
        if world.faults.strikes(Fault.DUPLICATE):
            self._duplicate(birth)
        if world.faults.strikes(Fault.POISON):
            self._poison(birth)
        if rng.random() < CANCELLED:
            world.expect(rng.choice((0.5, 30, 400)), lambda: self.cancel(birth))
        if wanted.error is not None and rng.random() < REDRIVEN:
            world.expect(rng.choice((60, 1800)), lambda: self.redrive(birth))

    def place_many(self, orders: Sequence[Order], alias: str) -> None:
        """Enqueue tasks in bulk, as one process."""
        world, births = self.world, [self.birth(wanted, alias) for wanted in orders]
        for wanted, birth in zip(orders, births, strict=True):
            world.ledger.entries[birth.id] = Entry(wanted.name, wanted.args, wanted.value, wanted.error)
        with world.acting(Actor("web", world.time)), suppress(Killed):
            for birth, failure in zip(births, send_many(births, self.options[alias]), strict=True):
                entry = world.ledger.entries[birth.id]
                entry.acknowledged = failure is None
                if entry.acknowledged and not entry.ends:
                    world.ledger.open.add(birth.id)

    def leave_in_outbox(self, wanted: Order) -> None:
        """Commit a task into the outbox, in a process that dies before it can send it."""
        world, birth = self.world, self.birth(wanted, "outbox")
        entry = Entry(wanted.name, wanted.args, wanted.value, wanted.error)
        world.ledger.entries[birth.id] = entry
        with world.acting(Actor("web", world.time)), suppress(Killed, *MET):
            with transaction.atomic():
                drain.put(birth)
            entry.acknowledged = True
            world.ledger.open.add(birth.id)

    def place(self, wanted: Order, alias: str) -> Birth:
        """Enqueue a task, as a process of its own."""
        world, birth = self.world, self.birth(wanted, alias)
        entry = Entry(wanted.name, wanted.args, wanted.value, wanted.error, deployed=world.deployed)
        world.ledger.entries[birth.id] = entry
        with world.acting(Actor("web", world.time)), suppress(EnqueueFailed, Killed, *MET):
            self._leave(birth, entry)
        if entry.acknowledged and not entry.ends:
            world.ledger.open.add(birth.id)
        return birth

    def deliver(self, birth: Birth, message: TaskMessage) -> None:
        """Have a message delivered now, whoever sent it, and nothing else happen."""
        options = self.options[birth.alias]
        self.world.ledger.entries[birth.id] = Entry(birth.name, json.loads(birth.arguments)[0], None)
        text = encode(message, Keyring(secrets(), options.scope(birth.queue)))
        self.world.transports[options.stack].accept(birth.queue, text, timedelta(0))
        self.world.time.step()

    def birth(self, wanted: Order, alias: str) -> Birth:
        """Return what enqueue() makes of a task."""
        now = self.world.time.now
        return Birth(
            id=f"{self.rng.getrandbits(128):032x}",
            alias=alias,
            name=wanted.name,
            queue=self.rng.choices(QUEUES, QUEUE_SHARES)[0],
            arguments=dump([wanted.args, {}]),
            enqueued_at=now,
            run_after=now + timedelta(seconds=wanted.later) if wanted.later else None,
            options=wanted.options,
        )

    def _leave(self, birth: Birth, entry: Entry) -> None:
        entry.attempted = True
        if birth.alias != "outbox":
            send(birth, self.options[birth.alias])
            entry.acknowledged = True
            return
        with transaction.atomic():
            drain.put(birth)
        entry.acknowledged = True  # A row is committed.
        send(birth, self.options[birth.alias])
        drain.forget(birth)

    def _duplicate(self, birth: Birth) -> None:
        """Deliver the task's message once more, up to a minute later."""
        if birth.reference is None and len(birth.arguments) > 3_000:
            return  # Its message would refer to the bucket.
        options = self.options[birth.alias]
        text = message_text(birth, options, birth.start_at + timedelta(days=7))
        delay = birth.start_at - birth.enqueued_at + timedelta(seconds=self.rng.choice((0, 1, 60)))
        accept = self.world.transports[options.stack].accept
        self.world.time.after(delay, lambda: accept(birth.queue, text, timedelta(0)))

    def _poison(self, birth: Birth) -> None:
        """Put a hostile message into a queue, among the others."""
        options = self.options["default"]
        text = message_text(replace(birth, arguments="[[],{}]"), options, birth.start_at + timedelta(days=7))
        body = self.rng.choice(bodies(text, birth.id))
        self.world.transports[options.stack].accept(birth.queue, body, timedelta(0))

    def redrive(self, birth: Birth) -> None:
        """Give a task another life, should it have FAILED by now."""
        world, options = self.world, self.options[birth.alias]
        with world.acting(Actor("web", world.time)), suppress(Exception, Killed):
            redrive(store_of(options), birth.id, options, world.time.now)

    def cancel(self, birth: Birth) -> None:
        """Cancel a task, as the page does."""
        world, options = self.world, self.options[birth.alias]
        world.ledger.entries[birth.id].asked_to_stop = True
        with world.acting(Actor("web", world.time)), suppress(Exception, Killed):
            cancel(store_of(options), birth, options, world.time.now)
