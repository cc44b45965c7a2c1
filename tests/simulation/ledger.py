"""What really happened, as nobody inside can know: attempts, acknowledgements, effects, ends."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django_offload.protocol.conditional_write import Attributes, ConditionalWrite
from django_offload.protocol.json_codec import from_micros

from .rules import ENDS, LEAST_BACKOFF, broken, miscounted, misshapen, untimely


@dataclass(slots=True, eq=False)
class Entry:
    """One task, from outside."""

    kind: str
    args: list[Any]
    value: Any  # What it must return …
    error: str | None = None  # … or the last part of its error's class path.
    attempted: bool = False
    acknowledged: bool = False  # enqueue() returned, or the transaction with the outbox's row was committed.
    ends: int = 0
    redrives: int = 0
    claims: int = 0  # In all its lives.
    undone: list[int] = field(default_factory=list)  # Claims, by their fence.
    attempts: int = 0  # Since it was enqueued or redriven, without those undone.
    errors: int = 0  # That attempts left.
    sends: int = 0  # By the sweeper, since it was last claimed, enqueued or redriven.
    messages: int = 0  # That the sweeper and redrives sent, in all its lives.
    run_after: datetime | None = None
    ready_at: datetime | None = None  # No attempt may begin before.
    claimed_at: list[datetime] = field(default_factory=list)  # By the clocks of those who did.
    faults: int = 0
    asked_to_stop: bool = False
    deployed: bool = False  # It was under way while another release was out.
    progress: tuple[int, float] = (0, 0)
    steps: set[str] = field(default_factory=set)  # Kept.
    due_at: int = 0  # At its birth, or its redrive; never without a record at enqueue.
    moved: bool = False  # After a fault, the sweeper put off when it is due.
    bound: datetime | None = None  # Killed: until when its recovery may wait for its lease …
    disturbed: bool = False  # … and whether something else went wrong, meanwhile or before.

    def count(self, name: str, clock: datetime) -> None:
        """Count a write to its record, by the name of its transition."""
        if name == "claim":
            self.claims, self.attempts, self.sends = self.claims + 1, self.attempts + 1, 0
            self.claimed_at.append(clock)
        elif name == "unclaim":
            self.attempts -= 1
            self.undone.append(self.claims)
        elif name == "release":
            self.errors += 1
            least = timedelta(seconds=LEAST_BACKOFF.get(self.kind, 0)) * self.attempts
            self.ready_at = max(self.claimed_at[-1] + least, self.run_after or self.claimed_at[-1])
        elif name == "fail":
            self.errors += 1
        elif name == "redrive":
            self.attempts, self.sends, self.messages = 0, 0, self.messages + 1
            self.ready_at = self.run_after
        elif name == "send again":
            self.sends, self.messages = self.sends + 1, self.messages + 1
        elif name == "not sent":
            self.sends, self.messages = max(self.sends - 1, 0), self.messages - 1


class Ledger:
    """Every task of a world; told of each write that was made."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.open: set[str] = set()  # Attempted, not ended.
        self.waiting: set[str] = set()  # For somebody to go on after a kill.
        self.violations: Counter[str] = Counter()
        self.recoveries: list[tuple[float, bool]] = []  # Seconds beyond the bound; was it undisturbed?
        self.unexpected: Counter[str] = Counter()

    def changed(
        self,
        task_id: str,
        change: ConditionalWrite,
        before: Attributes | None,
        now: datetime,
        clock: datetime | None = None,
    ) -> None:
        """Note a write to a record, by a process with this clock."""
        entry = self.entries.get(task_id)
        if entry is None:
            self.unexpected["record of no task"] += 1
            return
        # Also of a task whose enqueue() never returned, unless its record is in no index: nobody promised it.
        if change.name == "claim" or (before is None and "due_at" in change.set_if_absent):
            self.open.add(task_id)
        if before is None:
            entry.due_at = int(change.set_if_absent.get("due_at", 0))  # type: ignore[arg-type]
        else:
            self.violations.update(broken(change, before))
        self._judge(entry, change, before, clock or now)
        if change.name == "claim":
            self._recovered(task_id, entry, now)
        elif change.name == "report":
            self._progress(entry, change, before)
        elif change.name == "redrive":
            entry.redrives += 1
            entry.due_at, entry.moved = int(change.put.get("due_at", 0)), False  # type: ignore[call-overload]
            self.open.add(task_id)
        elif change.name in {"send again", "postpone"}:
            entry.moved |= entry.faults > 0
        elif change.name == "ask to stop":
            entry.asked_to_stop = True
        elif change.put.get("status") in ENDS:
            entry.ends += 1
            self.open.discard(task_id)
            self._recovered(task_id, entry, now)

    def _judge(
        self, entry: Entry, change: ConditionalWrite, before: Attributes | None, clock: datetime
    ) -> None:
        """Count a write, and compare what it leaves with what was counted."""
        after = change.apply(before)
        self.violations.update(untimely(entry, change, before, after, clock))
        entry.count(change.name, clock)
        self.violations.update(miscounted(entry, after))
        self.violations.update(misshapen(after))

    def version(self, task_id: str) -> tuple[int, int]:
        """Return what changes whenever a decision about a task may have become a wrong one."""
        entry = self.entries.get(task_id)
        return (entry.claims, entry.messages) if entry else (0, 0)

    def _progress(self, entry: Entry, change: ConditionalWrite, before: Attributes | None) -> None:
        done = json.loads(str(change.put.get("progress", '{"done":0}')))["done"]
        fence = int((before or {}).get("fence", 0))  # type: ignore[arg-type]
        if fence == entry.progress[0] and done < entry.progress[1]:
            self.violations["progress went backwards"] += 1
        entry.progress = (fence, done)

    def _recovered(self, task_id: str, entry: Entry, now: datetime) -> None:
        """Note how long after a kill somebody went on."""
        if entry.bound is not None:
            waited = (now - entry.bound).total_seconds()
            self.recoveries.append((max(waited, 0.0), not entry.disturbed))
            entry.bound = None
            self.waiting.discard(task_id)

    def killed(self, task_id: str, lease: int, due: int, now: datetime) -> None:
        """Note that a task's worker died, with this lease; the sweeper looks at its record when `due`."""
        entry = self.entries[task_id]
        if not entry.due_at:
            return  # Its message alone brings it again: what a task without a record at enqueue gives up.
        bound = max(lease, entry.due_at)
        entry.bound = max(from_micros(bound), now)
        entry.disturbed = entry.moved and due > bound
        self.waiting.add(task_id)

    def due(self, now: datetime) -> list[str]:
        """Return what nothing but the next sweep keeps from going on after a kill."""
        waiting = ((task_id, self.entries[task_id].bound) for task_id in self.waiting)
        return [task_id for task_id, bound in waiting if bound is not None and bound <= now]

    def fault(self, task_ids: Iterable[str]) -> None:
        """Note a fault that these tasks met."""
        for task_id in task_ids:
            if task_id in self.entries:
                self.entries[task_id].faults += 1
                self.entries[task_id].disturbed = True

    def disturb(self, task_ids: Iterable[str]) -> None:
        """Note that these tasks wait for something else than their recovery: no fault of theirs."""
        for task_id in task_ids:
            if task_id in self.entries:
                self.entries[task_id].disturbed = True
