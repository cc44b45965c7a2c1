"""What no write to a record may break: when it may be made, how often, on which read, and what it leaves."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django_offload.protocol.conditional_write import Attributes, ConditionalWrite
from django_offload.protocol.json_codec import MICROSECOND
from django_offload.protocol.record import DUE_AFTER, FAILED, LONGEST_DELAY, READY, RUNNING, SUCCESSFUL

if TYPE_CHECKING:
    from .ledger import Entry

ENDS = {SUCCESSFUL, FAILED}
# Where a record may be listed: where the sweeper reads if it waits or runs, in the lists if it FAILED.
SWEPT = {*range(2), *range(1_000, 1_064), *range(2_000, 2_064)}
LISTS = {*range(-4, 0), *range(3_000, 3_064), *range(4_000, 4_064)}
PARTITIONS = {READY: SWEPT, RUNNING: SWEPT, FAILED: LISTS}
# Attempts of a task that says how many it has; its queue says three.
MOST_ATTEMPTS = {"sim.flaky": 5}
# A message lives for 7 days and a dead letter for 14 more, less the hours of a world; a result for 14.
LEAST_LIFE, RESULT_LIFE = timedelta(days=19), timedelta(days=14)
# Seconds that a task waits at least after an attempt, times its number. Other backoffs are random.
LEAST_BACKOFF = {"sim.patient": 1_200}


def broken(change: ConditionalWrite, before: Attributes) -> Iterator[str]:
    """Yield the rules that a write to a record breaks, whoever made it."""
    at: Any = before
    status, lease = at.get("status"), at.get("lease_until", 0)
    if change.name == "create":
        yield "created over a record"
    if status in ENDS and change.name not in {"redrive", "discard"}:
        yield f"{change.name} after its end"
    if change.name == "claim":
        now: Any = change.put.get("attempted_at", 0)
        if status == RUNNING and lease > now:
            yield "claimed under a live lease"
        if status == READY and at.get("not_before", 0) > now:
            yield "claimed before its time"
        if status == RUNNING and at.get("cancelled"):
            yield "claimed though cancelled"
    if change.name == "abandon" and status == RUNNING and lease > change.put.get("finished_at", 0):
        yield "ended under a live lease"
    if change.name == "cancel" and status == RUNNING:
        yield "cancelled while it ran"
    if change.name in {"release", "unclaim"} and at.get("cancelled"):
        yield f"{change.name} of a cancelled task"
    if change.name in {"succeed", "fail", "release", "unclaim", "report"} and status == READY:
        yield f"{change.name} of a record that nobody claimed"


def untimely(
    entry: "Entry",
    change: ConditionalWrite,
    before: Attributes | None,
    after: Mapping[str, Any],
    clock: datetime,
) -> Iterator[str]:
    """
    Yield what a write to a record does too early or too late, by the clock of its process.

    What is remembered here counts, not what the record says.
    """
    if change.name == "claim" and entry.ready_at is not None and clock < entry.ready_at:
        yield "an attempt began before its time"
    if change.name == "release":
        due, start = int(after.get("due_at", 0)), int(after.get("not_before", 0))
        if not due:
            yield "released, and due never"
        elif due > start + DUE_AFTER // MICROSECOND:
            yield "released, and due late"
        elif due < start - LONGEST_DELAY // MICROSECOND:
            yield "released, and due early"
    if int(after["ttl"]) < (clock + LEAST_LIFE).timestamp():
        yield "a record that its messages outlive"
    if "hidden_at" in after and after["hidden_at"] < after["finished_at"] + RESULT_LIFE // MICROSECOND:
        yield "a result that is hidden early"
    was: Any = (before or {}).get("due_at", 0)
    if change.name == "send again" and int(after.get("due_at", 0)) <= was:
        yield "sent again, and due as before"


def miscounted(entry: "Entry", after: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a record counts otherwise than it happened."""
    if after.get("fence", 0) != entry.claims:
        yield "the fence is not the number of claims"
    if [int(fence) for fence in after.get("undone", ())] != entry.undone:
        yield "undone claims miscounted"
    if len(after.get("workers", ())) != entry.attempts:
        yield "attempts miscounted"
    if entry.attempts > MOST_ATTEMPTS.get(entry.kind, 3):
        yield "more attempts than allowed"
    errors = after.get("errors", ())
    if len(errors) != entry.errors or len(set(errors)) != entry.errors:
        yield "errors miscounted"
    if after.get("sends", 0) > entry.sends:
        yield "sends of another life, or of no message, are counted"


def misshapen(after: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a record says that doesn't go together."""
    status = after.get("status")
    if ("due_at" in after) != ("due_shard" in after):
        yield "half an entry of the index"
    elif "due_shard" in after and after["due_shard"] not in PARTITIONS.get(status, ()):
        yield f"{status} in the index of others"
    if status == SUCCESSFUL and "due_at" in after:
        yield "a success is due"
    if ("lease_until" in after) != (status == RUNNING):
        yield f"{status} and its lease"
    if ("finished_at" in after, "hidden_at" in after) != (status in ENDS, status in ENDS):
        yield f"{status} and its end"
    if status == READY and ("cancelled" in after or "progress" in after):
        yield "READY with what an attempt left"
    if (status == FAILED) > ("error" in after) or (status == RUNNING and "error" in after):
        yield f"{status} and its error"
