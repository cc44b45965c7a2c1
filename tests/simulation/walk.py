"""
One record, and everything that may happen to it at random: a second description of the protocol.

A walk takes steps: a transition with right or wrong arguments, old claims, stale reads. After each step, the
store must have taken it exactly where this module allows it, and the record must be exactly as this module
says. It shares no line with protocol/transitions.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import ConditionalWrite, Refused
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import EPOCH, dump, to_micros
from django_offload.protocol.record import RECORD_LIFE, TaskRecord, initial_item, read_record
from django_offload.protocol.shards import Band
from django_offload.stores.memory import MemoryStore

from .budget_walk import BudgetWalk, Miscounted
from .clock import START
from .partitions import ID, NUMBER, SHARDS, partition
from .rules import PARTITIONS

MINUTE = timedelta(minutes=1)
LEASE, MOST = 5 * MINUTE, 2
NOW_OR_LATER = (START, START + 10 * MINUTE)
# Few instants and tokens, so that what must not be mixed up looks alike now and then.
INSTANTS = tuple(START + 5 * MINUTE * number for number in range(5))
TOKENS = ("red", "blue")
CANCELLED = "django_offload.exceptions.Cancelled"
ERRORS = ({"class": "X", "message": "m"}, {"class": CANCELLED, "message": ""})
LIVES = (timedelta(days=14), timedelta(days=40))
STEPS = 60
ENDINGS = {"succeed", "fail", "abandon", "cancel"}

type Item = dict[str, Any]
type Step = tuple[ConditionalWrite, bool, Item]


class Broken(AssertionError):
    """The record isn't as this module says."""


@dataclass(slots=True)
class Walk:
    """One record, what it must say, and what processes remember of it."""

    rng: Random
    store: MemoryStore = field(default_factory=MemoryStore)
    now: datetime = START
    item: Item = field(default_factory=dict)  # What the record must say; empty: there is none.
    unclaimed: Item = field(default_factory=dict)  # What it said before the latest claim.
    read: list[TaskRecord] = field(default_factory=list)  # As some process read it once.
    enqueued: EnqueuedTask = field(init=False)

    def __post_init__(self) -> None:
        run_after = self.rng.choice((None, *NOW_OR_LATER))
        self.enqueued = EnqueuedTask(
            id=ID,
            alias="default",
            name="sim.plain",
            queue="default",
            enqueued_at=START,
            run_after=run_after,
        )

    def run(self) -> None:
        """Take the steps of this walk. Raise Broken if one of them went wrong."""
        names = [name for name in dir(self) if name.startswith("step_")]
        for _ in range(STEPS):
            if self.rng.random() < 0.3:
                self.now += 5 * MINUTE
            change, allowed, after = getattr(self, self.rng.choice(names))()
            if allowed and change.name in ENDINGS and self.rng.random() < 0.7:
                continue  # Most of them are tried where they must be refused.
            self.take(change, allowed=allowed, after=after)

    def take(self, change: ConditionalWrite, *, allowed: bool, after: Item) -> None:
        try:
            self.store.change(ID, change)
            made = True
        except Refused:
            made = False
        if made != allowed:
            verb = "taken" if made else "refused"
            raise Broken(f"'{change.name}' was {verb} where the record is {self.item}")
        if made:
            if change.name == "claim":
                self.unclaimed = self.item
            self.item = after
        stored = self.store.records.get(ID, {})
        if stored != self.item:
            names = sorted(
                name for name in stored.keys() | self.item.keys() if stored.get(name) != self.item.get(name)
            )
            raise Broken(f"'{change.name}' left the wrong {', '.join(names)}")
        # A record that can't be read is put aside, whatever it was: the sweeper looks at it.
        placed = made and "due_shard" in change.put and change.name != "set aside"
        if placed and stored["due_shard"] not in PARTITIONS[stored["status"]]:
            raise Broken(f"'{change.name}' left a {stored['status']} record in {stored['due_shard']}")
        if self.item and self.rng.random() < 0.5:
            self.read = [*self.read[-5:], read_record(self.item)]

    # What is true of the record.

    @property
    def micros(self) -> int:
        return to_micros(self.now)

    def status(self, *statuses: str) -> bool:
        return self.item.get("status") in statuses

    @property
    def lost(self) -> bool:
        return self.status("RUNNING") and self.item["lease_until"] <= self.micros

    def a_claim(self) -> tuple[dict[str, Any], bool]:
        """Return a fence and a token, which are often those of the record, and whether they hold it."""
        fence, token = self.item.get("fence", 1), self.item.get("token", "red")
        if self.rng.random() < 0.25:
            fence = max(fence - 1, 1)
        if self.rng.random() < 0.25:
            token = self.rng.choice(TOKENS)
        holds = self.status("RUNNING") and (fence, token) == (self.item["fence"], self.item["token"])
        return {"fence": fence, "token": token}, holds

    def a_read(self) -> TaskRecord | None:
        """Return the record as it is or was, or None."""
        if self.item and self.rng.random() < 0.4:
            return read_record(self.item)
        return self.rng.choice(self.read) if self.read else None

    def unchanged(self, seen: TaskRecord) -> bool:
        """Return True if the record was neither claimed nor sent again since."""
        sent_at = to_micros(seen.sent_at) if seen.sent_at else None
        return (self.item.get("fence", 0), self.item.get("sent_at")) == (seen.fence, sent_at)

    def an_instant(self, name: str) -> datetime:
        """Return the instant that the record has under this name, often, or another."""
        if name in self.item and self.rng.random() < 0.7:
            return EPOCH + timedelta(microseconds=self.item[name])
        return self.rng.choice(INSTANTS)

    def due_then(self, due_at: datetime) -> bool:
        """Return True if the record is in the sweeper's index, at this instant, in whatever shard."""
        return self.item.get("due_at") == to_micros(due_at) and "finished_at" not in self.item

    def some_shards(self) -> int:
        """Return the OPTIONS["shards"] of the process that takes this step."""
        return self.rng.choice(SHARDS)

    def new(self, shards: int, listed: bool) -> Item:
        """Return the record of the enqueued task; if it is `listed`, the list of all tasks has it too."""
        item: Item = {**initial_item(self.enqueued), "due_shard": partition("rescue", NUMBER, shards)}
        if listed:
            item["listed"] = f"{self.enqueued.alias}#{NUMBER % shards}"
        return item

    # What the record must say afterwards.

    def but(self, *removed: str, **put: Any) -> Item:
        return {name: value for name, value in {**self.item, **put}.items() if name not in removed}

    def ended(self, status: str, ttl: timedelta, *removed: str, **put: Any) -> Item:
        kept = int((self.now + max(ttl, RECORD_LIFE)).timestamp())
        hidden = to_micros(self.now + ttl)
        return self.but(
            "lease_until", *removed, status=status, finished_at=self.micros, hidden_at=hidden, ttl=kept, **put
        )

    def failed(self, ttl: timedelta, error: Item, band: str | None, shards: int = 2, **put: Any) -> Item:
        put["error"] = dump(error)
        if band is None or error["class"] == CANCELLED:
            return self.ended("FAILED", ttl, "due_at", "due_shard", **put)
        listed = {"due_at": self.micros, "due_shard": partition(band, self.micros, shards)}
        return self.ended("FAILED", ttl, **listed, **put)

    def due(self, due_at: datetime, shards: int, band: str = "rescue") -> Item:
        return {"due_at": to_micros(due_at), "due_shard": partition(band, NUMBER, shards)}

    # The steps: what is tried, whether it may be done, and what it must leave.

    def step_create(self) -> Step:
        shards, indexed, listed = self.some_shards(), self.rng.random() < 0.8, self.rng.random() < 0.5
        item = self.new(shards, listed)
        if not indexed:
            del item["due_at"], item["due_shard"]
        new = initial_item(self.enqueued, shards, indexed=indexed, listed=listed)
        return transitions.create(new), not self.item, item

    def step_claim(self) -> Step:
        enqueued = self.rng.choice((self.enqueued, None))
        token, swept, listed = self.rng.choice(TOKENS), self.rng.random() < 0.7, self.rng.random() < 0.5
        shards = self.some_shards()
        change = transitions.claim(
            enqueued,
            token=token,
            worker_id="w",
            now=self.now,
            lease_until=self.now + LEASE,
            max_attempts=MOST,
            swept=swept,
            shards=shards,
            listed=listed,
        )
        workers = self.item.get("workers", [])
        if not self.item:
            allowed = enqueued is not None and (enqueued.run_after or START) <= self.now
        elif self.status("READY"):
            allowed = self.item["not_before"] <= self.micros
        else:
            allowed = self.lost and "cancelled" not in self.item and len(workers) < MOST
        new: Item = self.new(shards, listed) if enqueued else {}
        if not swept:
            new.pop("due_at", None)
            new.pop("due_shard", None)
        after = {
            "started_at": self.micros,
            **new,
            **self.item,
            "status": "RUNNING",
            "token": token,
            "lease_until": to_micros(self.now + LEASE),
            "attempted_at": self.micros,
            "workers": [*workers, "w"],
            "fence": self.item.get("fence", 0) + 1,
        }
        for name in ("progress", "sends", "error"):
            after.pop(name, None)
        return change, allowed, after

    def step_succeed(self) -> Step:
        claim, holds = self.a_claim()
        ttl, stored = self.rng.choice(LIVES), {"result": "1"}
        change = transitions.succeed(**claim, now=self.now, result_ttl=ttl, stored=stored)
        return change, holds, self.ended("SUCCESSFUL", ttl, "due_at", "due_shard", **stored)

    def step_fail(self) -> Step:
        claim, holds = self.a_claim()
        ttl, error, part = self.rng.choice(LIVES), self.rng.choice(ERRORS), self.rng.choice(("e", None))
        shards = self.some_shards()
        change = transitions.fail(
            **claim, now=self.now, result_ttl=ttl, error=error, part=part, shards=shards
        )
        errors = {"errors": [*self.item.get("errors", []), part]} if part else {}
        return change, holds, self.failed(ttl, error, "failed", shards, **errors)

    def step_release(self) -> Step:
        claim, holds = self.a_claim()
        not_before, due_at = self.rng.choice(INSTANTS), self.rng.choice(INSTANTS)
        shards, band = self.some_shards(), "deferred" if due_at < not_before else "rescue"
        change = transitions.release(
            ID, **claim, not_before=not_before, due_at=due_at, error=ERRORS[0], part="e", shards=shards
        )
        after = self.but(
            *("lease_until", "progress"),
            status="READY",
            not_before=to_micros(not_before),
            error=dump(ERRORS[0]),
            ttl=int((max(not_before, due_at) + RECORD_LIFE).timestamp()),
            **self.due(due_at, shards, band),
            errors=[*self.item.get("errors", []), "e"],
        )
        return change, holds and "cancelled" not in self.item, after

    def step_unclaim(self) -> Step:
        claim, holds = self.a_claim()
        workers, known = self.item.get("workers", ["w"])[:-1], self.rng.random() < 0.5
        before = self.unclaimed if known else None
        change = transitions.unclaim(**claim, workers=workers, before=before)
        undone = [*self.item.get("undone", []), str(claim["fence"])]
        latest = ("workers", "started_at", "attempted_at", "error")
        earlier = {name: self.unclaimed[name] for name in latest if name in self.unclaimed} if known else {}
        if workers:
            earlier["workers"] = workers
            if not known:
                earlier |= {name: self.item.get(name) for name in ("started_at", "attempted_at")}
        after = {**self.but("lease_until", *latest), "status": "READY", "undone": undone, **earlier}
        return change, holds and "cancelled" not in self.item, after

    def step_abandon(self) -> Step:
        seen, ttl, error = self.a_read(), self.rng.choice(LIVES), self.rng.choice(ERRORS)
        shards = self.some_shards()
        change = transitions.abandon(now=self.now, result_ttl=ttl, error=error, seen=seen, shards=shards)
        allowed = (self.status("READY") or self.lost) and (seen is None or self.unchanged(seen))
        return change, allowed, self.failed(ttl, {**error, "ended": True}, "dead", shards)

    def step_cancel(self) -> Step:
        ttl, error = self.rng.choice(LIVES), ERRORS[1]
        change = transitions.cancel(now=self.now, result_ttl=ttl, error=error)
        return change, self.status("READY"), self.failed(ttl, {**error, "ended": True}, None)

    def step_ask_to_stop(self) -> Step:
        return transitions.ask_to_stop(), self.status("RUNNING"), self.but(cancelled=True)

    def step_report(self) -> Step:
        claim, holds = self.a_claim()
        progress = {"done": self.rng.randrange(9)}
        return transitions.report(**claim, progress=progress), holds, self.but(progress=dump(progress))

    def step_redrive(self) -> Step:
        due_at, not_before = self.rng.choice(INSTANTS), self.rng.choice(NOW_OR_LATER)
        shards, band = self.some_shards(), "deferred" if due_at < not_before else "rescue"
        change = transitions.redrive(ID, now=self.now, due_at=due_at, not_before=not_before, shards=shards)
        after = self.but(
            *("finished_at", "hidden_at", "error", "workers", "cancelled", "progress", "sends"),
            status="READY",
            not_before=to_micros(not_before),
            sent_at=self.micros,
            ttl=int((due_at + RECORD_LIFE).timestamp()),
            **self.due(due_at, shards, band),
        )
        return change, self.status("FAILED"), after

    def step_discard(self) -> Step:
        return transitions.discard(), self.status("FAILED"), self.but("due_at", "due_shard")

    def step_look_at(self) -> Step:
        seen, due_at = self.a_read(), self.rng.choice(INSTANTS)
        shards, unchanged = self.some_shards(), seen is None or self.unchanged(seen)
        allowed = self.status("RUNNING", "READY") and "due_at" not in self.item and unchanged
        after = self.but(**self.due(due_at, shards))
        return transitions.look_at(ID, due_at=due_at, seen=seen, shards=shards), allowed, after

    # More often than others, because few records are in no index.
    step_look_again = step_look_once_more = step_look_a_third_time = step_look_at

    def step_set_aside(self) -> Step:
        another = {"due_at": to_micros(self.rng.choice(INSTANTS)), "ttl": self.rng.choice((1, 2**33))}
        seen, due_at = self.rng.choice((self.item, another, {})), self.rng.choice(INSTANTS)
        shards = self.some_shards()
        change = transitions.set_aside(ID, seen, now=self.now, due_at=due_at, shards=shards)
        entry = self.item.get("due_at")
        is_due = entry is not None and (entry == seen["due_at"] if "due_at" in seen else entry <= self.micros)
        ttl = max(seen.get("ttl", 0), int((due_at + RECORD_LIFE).timestamp()))
        after = self.but(**self.due(due_at, shards), ttl=ttl)
        return change, is_due or self.status("READY", "RUNNING"), after

    def step_postpone(self) -> Step:
        due_was, due_at = self.an_instant("due_at"), self.rng.choice(INSTANTS)
        shards, band = self.some_shards(), self.rng.choice((Band.RESCUE, Band.DEFERRED))
        change = transitions.postpone(ID, due_was=due_was, due_at=due_at, band=band, shards=shards)
        after = self.but(**self.due(due_at, shards, band.name.lower()))
        return change, self.due_then(due_was), after

    def step_send_again(self) -> Step:
        due_was, due_at = self.an_instant("due_at"), self.rng.choice(INSTANTS)
        counts, shards = self.rng.random() < 0.7, self.some_shards()
        change = transitions.send_again(
            ID, due_was=due_was, due_at=due_at, now=self.now, counts=counts, shards=shards
        )
        sends = {"sends": self.item.get("sends", 0) + 1} if counts else {}
        after = self.but(
            **self.due(due_at, shards),
            sent_at=self.micros,
            ttl=int((due_at + RECORD_LIFE).timestamp()),
            **sends,
        )
        return change, self.due_then(due_was), after

    def step_not_sent(self) -> Step:
        record = self.a_read()
        if record is None:
            return self.step_create()
        due_at, sent_at = self.an_instant("due_at"), self.an_instant("sent_at")
        change = transitions.not_sent(record, due_at=due_at, now=sent_at)
        same = self.item.get("sent_at") == to_micros(sent_at) and self.status(record.status)
        put: Item = {}
        if record.sends:
            put["sends"] = record.sends
        if record.sent_at:
            put["sent_at"] = to_micros(record.sent_at)
        gone = {"sends", "sent_at"} - put.keys()
        return change, self.due_then(due_at) and same, self.but(*gone, **put)

    def step_out_of_the_index(self) -> Step:
        """No transition: the record goes on as if it had been made without a record at enqueue."""
        if not self.status("RUNNING", "READY"):
            return self.step_claim()
        index = ("due_at", "due_shard")
        change = ConditionalWrite(name="given", conditions=((),), remove=frozenset(index))
        return change, True, self.but(*index)

    step_out_again = step_out_once_more = step_out_of_the_index


def walks(count: int) -> Iterator[str]:
    """Take walks, and yield what was broken in each that broke."""
    for seed in range(count):
        try:
            Walk(Random(seed)).run()
            BudgetWalk(Random(seed)).run()
        except (Broken, Miscounted) as broken:
            yield f"walk {seed}: {broken}"
