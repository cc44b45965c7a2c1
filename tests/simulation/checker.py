"""What a queue checker counts: whether every task came to the end it had to come to, once."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django_offload.protocol.conditional_write import Attributes
from django_offload.protocol.record import READY, SUCCESSFUL

from .ledger import Entry
from .plan import ATTEMPT, root_of, tenant_of
from .rules import ENDS, MOST_ATTEMPTS
from .world import World

ATOMIC = {"sim.add", "sim.flaky", "sim.slow"}
# Bodies that call AWS or the database, and those that take time besides.
CALLING = ATOMIC | {"sim.broken", "sim.steps"}
LASTING = {"sim.slow", "sim.watched"}
# What the other release does not know.
UNKNOWN_THERE = {"sim.fresh"}
# What a call within a task's body may raise, which is then the task's own exception.
MET = {"Throttled", "InternalServerError", "ReplyLost", "ConnectionResetError", "DatabaseError"}
DEAD_LETTERS = {"DeadLettered", "UnknownTask", "Expired"}
# Nothing is a dead letter that went wrong less often than this, but what its deploy did not know.
MANY_FAULTS = 4


@dataclass(slots=True)
class Report:
    """Sums over worlds."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)  # By release.
    wrong: Counter[str] = field(default_factory=Counter)  # In words.
    recoveries: list[tuple[float, bool]] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take over the sums of other worlds."""
        self.counts.update(other.counts)
        self.faults.update(other.faults)
        self.writes.update(other.writes)
        self.wrong.update(other.wrong)
        self.recoveries += other.recoveries

    @property
    def sound(self) -> bool:
        """Tell whether nothing was lost, duplicated, stuck or wrong."""
        return not any(self.counts[bad] for bad in ("lost", "duplicated", "stuck", "wrong", "unexpected"))

    def recovery(self, share: float, *, undisturbed: bool) -> float:
        """Return a percentile of the seconds that recoveries took beyond lease and due_at."""
        found = sorted(seconds for seconds, alone in self.recoveries if alone or not undisturbed)
        return found[min(int(len(found) * share), len(found) - 1)] if found else 0.0


def check(world: World) -> Report:
    """Return what became of the tasks of a world that has run."""
    report = Report(faults=Counter({kind.value: count for kind, count in world.faults.counts.items()}))
    report.recoveries, report.writes = world.ledger.recoveries, world.writes
    for violation, count in world.ledger.violations.items():
        report.wrong[violation] += count
        report.counts["wrong"] += count
    for transport in world.transports.values():
        report.wrong["a send without its tenant's group"] += transport.astray
        report.counts["wrong"] += transport.astray
    report.counts["unexpected"] = world.ledger.unexpected.total()
    effects = world.database.effects()
    for task_id, entry in world.ledger.entries.items():
        found = (store.inner.records.get(task_id) for store in world.stores.values())
        record = next((record for record in found if record is not None), None)
        _count(report, entry, record, world, task_id, effects[task_id])
    return report


def _count(
    report: Report, entry: Entry, record: Attributes | None, world: World, task_id: str, effects: int
) -> None:
    counts = report.counts
    counts["attempted"] += 1
    counts["acknowledged"] += entry.acknowledged
    counts["duplicated"] += effects > 1
    if record is None:
        counts["lost"] += entry.acknowledged
        return
    if record["status"] not in ENDS:
        if not entry.acknowledged and is_in_no_hands(record):
            counts["unpromised"] += 1
            return
        counts["stuck"] += 1
        report.wrong[f"stuck {record['status']} {entry.kind}"] += 1
        return
    counts["recovered"] += not entry.acknowledged
    problem = _problem(entry, record, _result(world, task_id, record), effects)
    if record.get("root") != root_of(task_id):
        problem = f"{entry.kind} has another root"
    if record.get("tenant") != tenant_of(task_id):
        problem = f"{entry.kind} has another tenant"
    if problem is None:
        counts["ok"] += 1
        counts["dead-lettered"] += _error(record) in DEAD_LETTERS
    else:
        counts["wrong"] += 1
        report.wrong[problem] += 1


def is_in_no_hands(record: Attributes) -> bool:
    """Tell whether a record is as a process left it that died within enqueue(), and in no index."""
    return record["status"] == READY and not record.keys() & {"due_at", "fence"}


def _error(record: Attributes) -> str:
    return str(json.loads(str(record.get("error", "{}"))).get("class", "")).rpartition(".")[2]


def _result(world: World, task_id: str, record: Attributes) -> Any:
    """Return what a record says that its task returned, wherever that is kept."""
    if record["status"] != SUCCESSFUL:
        return None
    text: Any = record.get("result")
    if "result_reference" in record:
        key = json.loads(str(record["result_reference"]))["key"]
        text = next(p.objects[key].decode() for p in world.payloads.values() if key in p.objects)
    elif "result_part" in record:
        part = str(record["result_part"])
        text = next(s.inner.texts[task_id][part] for s in world.stores.values() if task_id in s.inner.texts)
    return json.loads(text or "null")


def _problem(entry: Entry, record: Attributes, result: Any, effects: int) -> str | None:
    """Return what is wrong with the end of a task, None if it is as it must be."""
    if entry.ends != 1 + entry.redrives:
        return f"{entry.kind} ended {entry.ends} times"
    if record["status"] == SUCCESSFUL:
        value = entry.value
        if value is ATTEMPT:
            value = str(len(record["workers"])) * 400  # type: ignore[arg-type]
        if entry.error is not None or result != value:
            return f"{entry.kind} returned what it cannot"
        if entry.kind in ATOMIC and effects == 0:
            return f"{entry.kind} succeeded without its effect"
        return None
    error = _error(record)
    return None if _allowed(entry, error) else f"{entry.kind} FAILED {error} after {entry.faults} faults"


def _allowed(entry: Entry, error: str) -> bool:
    """Tell whether a task may have ended with this error, after all that it met."""
    if error == entry.error:
        return True
    if error in MET:
        return entry.kind in CALLING and entry.faults > 0
    if error == "DeadlineExceeded":
        # A task that takes time may also find little left, at the end of a batch.
        return entry.kind in LASTING or (entry.kind in CALLING and entry.faults > 0)
    if error == "WorkerLost":
        return entry.claims >= MOST_ATTEMPTS.get(entry.kind, 3) and entry.faults > 0
    if error == "Cancelled":
        return entry.asked_to_stop
    if error == "BadArguments":
        return entry.kind == "sim.resized" and entry.deployed
    if error in DEAD_LETTERS:
        unknown = entry.kind == "sim.removed" or (entry.kind in UNKNOWN_THERE and entry.deployed)
        return unknown or entry.faults >= MANY_FAULTS
    return False
