"""
The state of a schedule: one item, `p:<alias>:<name>`. Each transition is a pure function.

            occurrence: puts last_at, last_id, told_at
                   ┌──────┐
                   │      ▼
    no item ────▶ (running) ── pause: puts paused_at ──▶ (paused)
                      ▲                                     │
                      └── resume: puts pause_from, ─────────┘
                          pause_until, removes paused_at

Instants are microseconds since 1970. An occurrence writes the item before its task is sent, so a write that
was refused says whether the task may be sent: see verdict().
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from .conditional_write import (
    Attributes,
    Condition,
    ConditionalWrite,
    Value,
    absent,
    at_most,
    differs,
    equals,
)
from .enqueued_task import is_id
from .json_codec import EPOCH, from_micros, to_micros

# The table forgets the state of a schedule that isn't paused this long after its last occurrence.
STATE_LIFE = timedelta(days=800)
NOT_PAUSED = absent("paused_at")


class Verdict(Enum):
    """What becomes of an occurrence."""

    SEND = "send"
    PAUSED = "paused"  # Nothing is enqueued.
    SKIPPED = "skipped"  # It was left out before, because the task of an earlier one lived.


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """The state as it was read. What another writer has put there is as if it were missing."""

    paused_at: datetime | None = None
    last_at: datetime | None = None
    last_id: str | None = None
    told_at: datetime | None = None  # Of the last occurrence that nobody asked for.
    last_skipped_at: datetime | None = None


def state_id(alias: str, name: str) -> str:
    """Return the id of the item. The name of a schedule has no colon, so that no two have the same."""
    return f"p:{alias}:{name}"


def occurrence(at: datetime, task_id: str) -> ConditionalWrite:
    """
    Note an occurrence that is later than all before it.

    Refused if the schedule is paused, if the occurrence was in the last pause, or if it isn't later.
    """
    at_micros = to_micros(at)
    later: tuple[Condition, ...] = (absent("last_at"), at_most("last_at", at_micros - 1))
    after_pause: tuple[Condition, ...] = (absent("pause_until"), at_most("pause_until", at_micros))
    return ConditionalWrite(
        name="occurrence",
        conditions=tuple((NOT_PAUSED, last, pause) for last in later for pause in after_pause),
        put={
            "last_at": at_micros,
            "last_id": task_id,
            "told_at": at_micros,
            "ttl": int((at + STATE_LIFE).timestamp()),
        },
        returns_old=False,
    )


def requested(at: datetime, task_id: str) -> ConditionalWrite:
    """Note an occurrence that somebody asked for, also of a paused schedule. Its pause must not expire."""
    at_micros = to_micros(at)
    return ConditionalWrite(
        name="requested occurrence",
        conditions=((absent("last_at"),), (at_most("last_at", at_micros - 1),)),
        put={"last_at": at_micros, "last_id": task_id},
        returns_old=False,
    )


def verdict(current: Attributes | None, at: datetime, task_id: str) -> Verdict:
    """Return what becomes of an occurrence whose write was refused by this state."""
    state, at_micros = current or {}, to_micros(at)
    if state.get("last_skipped_at") == at_micros:
        return Verdict.SKIPPED
    if state.get("last_id") == task_id:
        # It was noted already, before any pause, and its task may not have been sent.
        return Verdict.SEND
    if "paused_at" in state:
        return Verdict.PAUSED
    if number(state, "pause_from", at_micros + 1) <= at_micros < number(state, "pause_until", at_micros):
        return Verdict.PAUSED
    return Verdict.SEND  # A later occurrence came first.


def skipped(at: datetime, task_id: str, holder: str) -> ConditionalWrite:
    """Note that an occurrence was left out, because an earlier one's task (`holder`) lives."""
    return ConditionalWrite(
        name="skipped occurrence",
        conditions=((equals("last_id", task_id),),),
        put={"last_skipped_at": to_micros(at), "last_id": holder},
        returns_old=False,
    )


def pause(now: datetime) -> ConditionalWrite:
    """Pause a schedule until it is resumed. Refused if it is paused already."""
    return ConditionalWrite(
        name="pause",
        conditions=((NOT_PAUSED,),),
        put={"paused_at": to_micros(now)},
        remove=frozenset({"ttl"}),
    )


def resume(paused_at: object, now: datetime) -> ConditionalWrite:
    """
    Resume a schedule that is paused since this instant. Its occurrences in the pause stay left out.

    If another writer put something else than an instant there, that ends too.
    """
    since = differs("paused_at", 0)
    pause_from = to_micros(now)
    if type(paused_at) is int:
        since, pause_from = equals("paused_at", paused_at), paused_at
    return ConditionalWrite(
        name="resume",
        conditions=((since,),),
        put={
            "pause_from": pause_from,
            "pause_until": to_micros(now),
            "ttl": int((now + STATE_LIFE).timestamp()),
        },
        remove=frozenset({"paused_at"}),
    )


def read_state(item: Attributes | None) -> ScheduleRecord:
    """Return the state in an item (None: there is none). Whatever is in `paused_at` pauses a schedule."""
    state = item or {}
    last_id = state.get("last_id")
    return ScheduleRecord(
        paused_at=instant(state, "paused_at") or (EPOCH if "paused_at" in state else None),
        last_at=instant(state, "last_at"),
        last_id=last_id if isinstance(last_id, str) and is_id(last_id) else None,
        told_at=instant(state, "told_at"),
        last_skipped_at=instant(state, "last_skipped_at"),
    )


def instant(state: Attributes, name: str) -> datetime | None:
    value: Value | None = state.get(name)
    if type(value) is not int:
        return None
    try:
        return from_micros(value)
    except (OverflowError, ValueError):
        return None


def number(state: Attributes, name: str, default: int) -> int:
    value: Any = state.get(name)
    return value if type(value) is int else default
