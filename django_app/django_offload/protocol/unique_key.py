"""
Unique keys: an item that says which task has a key, and the writes to it and to a task that loses it.

    u:<32 digits>   holder ─ the id of the task     at ─ when it got the key     until ─ how long it may wait
                    owner, run_after ─ of the task, if it has one

Nothing releases a key. Whether its holder lives, the holder's own record says.

A key changes hands only from a holder that can't start any more, so that two tasks of one key never run:

- the holder's record has ended. Only a redrive makes it READY again, and that needs the key (see `renew`).
- the holder has started, and the key is meant for waiting tasks alone (unique="queued").
- the holder was ended as a duplicate, after the record of the task that replaces it was written. That record
  says whom it `supersedes`, so that a worker that claims it meanwhile ends the holder, and not this task: of
  the two, one is always left.

A process may stall between its read of a record and its write, so a task is ended only as it was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..exceptions import Duplicate
from .conditional_write import Attributes, Condition, ConditionalWrite, Value, absent, differs, equals
from .enqueued_task import EnqueuedTask, is_id
from .json_codec import EPOCH, from_micros, to_micros
from .record import error_of, initial_item
from .transitions import IS_READY, failure, holds_claim


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolder:
    """Who has a key, as its item was read."""

    task_id: str
    at: datetime
    until: datetime | None = None
    owner: str | None = None  # Of the task.
    run_after: datetime | None = None  # Of the task.


def item_id(unique: str) -> str:
    """Return the id of the item of a key, of which EnqueuedTask.unique has the digits."""
    return f"u:{unique}"


def read_holder(item: Mapping[str, Any] | None) -> KeyHolder | None:
    """
    Return who has a key, or None if nobody has it, or another writer put something else than an id there.

    What else of the item can't be read is as if it were missing, since the holder's record says if it lives.
    """
    state = item or {}
    holder, owner = state.get("holder"), state.get("owner")
    if not isinstance(holder, str) or not is_id(holder):
        return None
    return KeyHolder(
        task_id=holder,
        at=instant_of(state.get("at")) or EPOCH,
        until=instant_of(state.get("until")),
        owner=owner if isinstance(owner, str) else None,
        run_after=instant_of(state.get("run_after")),
    )


def instant_of(value: object) -> datetime | None:
    if type(value) is not int:
        return None
    try:
        return from_micros(value)
    except (OverflowError, ValueError):
        return None


def take(holder: KeyHolder, *, ttl: int, found: Mapping[str, Any] | None = None) -> ConditionalWrite:
    """Give a key to a task. Refused if another has it, unless its item is as it was `found`."""
    free: tuple[Condition, ...] = (absent("holder"),)
    if found is not None and "holder" in found:
        free = (unchanged(found, "holder"), unchanged(found, "at"))
    return write_holder("take key", (free,), holder, ttl)


def unchanged(found: Mapping[str, Any], name: str) -> Condition:
    """Return the condition that an attribute is as it was found. What we never write must only not be 0."""
    if name not in found:
        return absent(name)
    value = found[name]
    return equals(name, value) if isinstance(value, str) or type(value) is int else differs(name, 0)


def renew(holder: KeyHolder, *, ttl: int) -> ConditionalWrite:
    """
    Keep the key of a task that was redriven. Refused if another has it.

    From then on nobody can take it who has read that the task had ended.
    """
    return write_holder("renew key", ((absent("holder"),), (equals("holder", holder.task_id),)), holder, ttl)


def write_holder(
    name: str, conditions: tuple[tuple[Condition, ...], ...], holder: KeyHolder, ttl: int
) -> ConditionalWrite:
    optional: dict[str, Value | None] = {
        "until": to_micros(holder.until) if holder.until is not None else None,
        "owner": holder.owner,
        "run_after": to_micros(holder.run_after) if holder.run_after is not None else None,
    }
    present = {name: value for name, value in optional.items() if value is not None}
    return ConditionalWrite(
        name=name,
        conditions=conditions,
        put={"holder": holder.task_id, "at": to_micros(holder.at), "ttl": ttl, **present},
        remove=frozenset(optional.keys() - present.keys()),
        returns_old=False,
    )


def duplicate_error(holder: str) -> dict[str, Any]:
    return {**error_of(Duplicate(holder)), "ended": True}


def as_read(item: Mapping[str, Any]) -> tuple[Condition, ...]:
    """Return the condition that a record was neither claimed nor sent again since its item was read."""
    return tuple(
        equals(name, item[name]) if item.get(name) else absent(name) for name in ("fence", "sent_at")
    )


def end_as_duplicate(
    holder: str, seen: Mapping[str, Any], *, now: datetime, result_ttl: timedelta
) -> ConditionalWrite:
    """End a task that waits, because `holder` does its work. Refused unless it is as it was `seen`."""
    ends = failure(now, result_ttl, duplicate_error(holder), None)
    return ConditionalWrite(
        name="end as duplicate",
        conditions=((IS_READY, *as_read(seen)),),
        put={**ends["put"], "duplicate_of": holder},
        remove=ends["remove"],
    )


def end_claimed_as_duplicate(
    holder: str, *, fence: int, token: str, now: datetime, result_ttl: timedelta
) -> ConditionalWrite:
    """End a task under its own claim, before its function runs."""
    ends = failure(now, result_ttl, duplicate_error(holder), None)
    return ConditionalWrite(
        name="end as duplicate",
        conditions=(holds_claim(fence, token),),
        put={**ends["put"], "duplicate_of": holder},
        remove=ends["remove"],
    )


def duplicate_item(enqueued: EnqueuedTask, holder: str, now: datetime, result_ttl: timedelta) -> Attributes:
    """Return the initial item of a task that has ended as a duplicate, so that its id can be looked up."""
    item = initial_item(enqueued, indexed=False)
    ends = failure(now, result_ttl, duplicate_error(holder), None)
    return {
        **{name: value for name, value in item.items() if name not in ends["remove"]},
        **ends["put"],
        "duplicate_of": holder,
    }
