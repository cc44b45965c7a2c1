"""Look at schedules, pause and resume them, and enqueue one occurrence of a schedule."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import batched, chain

from ..aws import reading
from ..compat import task_backends
from ..conf import Options, configured
from ..conf.schedules import SKIP, Recurrence
from ..definition.registry import registry
from ..definition.schedules import schedule_of, schedules_of
from ..exceptions import CallFailed, OffloadError
from ..protocol import schedule_state as transitions
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.schedule_state import Verdict, read_state, state_id
from ..sending.enqueue import announce_enqueued, build, enqueued_result, prototype_of, send
from ..sending.failures import enqueue_failed
from ..stores import store_of
from ..stores.base import MOST_READ

logger = logging.getLogger("django_offload")

NEXT_TIMES = 3
# Another process may pause or resume a schedule in the same moment.
MOST_TRIES = 5


class UnknownSchedule(OffloadError):
    """An alias has no schedule of this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        from difflib import get_close_matches  # Imported here, because the sweeper needs no names.

        self.name = name
        near = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"The schedules are: {', '.join(known)}."
        super().__init__(f"There is no schedule '{name}'. {hint if known else DECLARE}")


DECLARE = "Declare one: @task(schedule=every(minutes=15)), or OPTIONS['schedules'] in TASKS."


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """A schedule, and what the table knows of it."""

    alias: str
    name: str
    recurrence: Recurrence
    paused_at: datetime | None  # Since when it is paused.
    last_at: datetime | None  # The time of its last occurrence.
    # The id of that occurrence's task, whose record may be gone; of a skipped one, the task that lived.
    last_id: str | None
    last_skipped_at: datetime | None  # The time of the last occurrence that overlap="skip" left out.
    next_times: tuple[datetime, ...]  # At most three, in UTC.


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurred:
    """What became of one occurrence of a schedule."""

    task_id: str | None  # None: nothing was enqueued, because the schedule is paused.
    is_skipped: bool = False  # `task_id` is the task of an earlier occurrence, which still lives.


def schedule_states(now: datetime | None = None) -> list[ScheduleState]:
    """
    Return every schedule of TASKS and of decorated tasks, with its state, in the order of TASKS.

    Raise CallFailed, or what a client of AWS raises, if AWS doesn't answer within 5 seconds.
    """
    now = now or datetime.now(UTC)
    states: list[ScheduleState] = []
    for alias, options in configured().items():
        schedules = schedules_of(options)
        items = read_items(options, [state_id(alias, name) for name in schedules])
        for name, recurrence in schedules.items():
            state = read_state(items.get(state_id(alias, name)))
            states.append(
                ScheduleState(
                    alias=alias,
                    name=name,
                    recurrence=recurrence,
                    paused_at=state.paused_at,
                    last_at=state.last_at,
                    last_id=state.last_id,
                    last_skipped_at=state.last_skipped_at,
                    next_times=next_times_of(recurrence, now, state.told_at),
                )
            )
    return states


def read_items(options: Options, ids: list[str]) -> Mapping[str, Attributes]:
    items: dict[str, Attributes] = {}
    for page in batched(ids, MOST_READ):
        with reading():
            items |= store_of(options).begin_get_many(page)()
    return items


def next_times_of(recurrence: Recurrence, now: datetime, told_at: datetime | None) -> tuple[datetime, ...]:
    """Return the next times of a schedule. A rate counts from its last occurrence, if that is known."""
    from ..conf.occurrence_times import next_times  # Imported here, because an occurrence needs no times.

    return tuple(next_times(recurrence.when, recurrence.timezone, now, NEXT_TIMES, told_at))


def pause(options: Options, name: str, now: datetime | None = None) -> bool:
    """
    Pause a schedule: its occurrences enqueue nothing until it is resumed.

    Return False if it was paused already. Raise UnknownSchedule if the alias has no such schedule.
    """
    require_schedule(options, name)
    try:
        store_of(options).change(state_id(options.alias, name), transitions.pause(now or datetime.now(UTC)))
    except Refused as refused:
        return refused.already_applied
    return True


def resume(options: Options, name: str, now: datetime | None = None) -> bool:
    """Resume a schedule. Return False if it wasn't paused. Raise UnknownSchedule."""
    require_schedule(options, name)
    store, key, now = store_of(options), state_id(options.alias, name), now or datetime.now(UTC)
    current = store.get(key)
    for _ in range(MOST_TRIES):
        if current is None or "paused_at" not in current:
            return False
        change = transitions.resume(current["paused_at"], now)
        try:
            store.change(key, change)
        except Refused as refused:
            if refused.already_applied and "paused_at" not in (refused.current or {}):
                return True  # The reply to the first try was lost.
            current = refused.current
        else:
            return True
    return False


def run_now(options: Options, name: str, at: datetime) -> str:
    """
    Enqueue an occurrence at this instant, even while the schedule is paused, and return the task's id.

    With overlap="skip" this is the task of an earlier occurrence, if that still lives. Raise UnknownSchedule,
    or what enqueue() raises.
    """
    occurred = enqueue_occurrence(options, name, at, at, is_requested=True)
    assert occurred.task_id is not None  # A pause holds no requested occurrence back.
    return occurred.task_id


def declaring(name: str, among: Mapping[str, Options]) -> list[str]:
    """Return the aliases of `among` that have a schedule. Raise UnknownSchedule if none has."""
    known = {alias: list(schedules_of(options)) for alias, options in among.items()}
    aliases = [alias for alias, names in known.items() if name in names]
    if not aliases:
        raise UnknownSchedule(name, list(dict.fromkeys(chain.from_iterable(known.values()))))
    return aliases


def require_schedule(options: Options, name: str) -> Recurrence:
    recurrence = schedule_of(options, name)
    if recurrence is None:
        raise UnknownSchedule(name, list(schedules_of(options)))
    return recurrence


def occurrence_id(options: Options, name: str, at: datetime) -> str:
    """Return the id of an occurrence's task, so that a repeated event makes no second task."""
    return sha256(f"{options.stack}:{options.alias}:{name}:{at.isoformat()}".encode()).hexdigest()[:32]


def enqueue_occurrence(
    options: Options, name: str, at: datetime, now: datetime, *, is_requested: bool = False
) -> Occurred:
    """
    Enqueue the task of one occurrence (`at`, in UTC), once, however often this is called for it.

    TASKS and the tasks' decorators alone say what runs. The state of the schedule is written before the task
    is sent, so that a pause is never missed; if the process dies in between, the same call sends it. Raise
    UnknownSchedule, UnknownTask if the task is gone, and EnqueueFailed if AWS accepted nothing.
    """
    recurrence = require_schedule(options, name)
    task = registry().resolve(recurrence.task).using(backend=options.alias)
    task_id = occurrence_id(options, name, at)
    # Before the state is written, because a task that can't be enqueued is no occurrence.
    # OPTIONS["owner"] and OPTIONS["tenant"] aren't asked, because an occurrence belongs to no request.
    prototype = prototype_of(task, replace(options, tenant=None), owner=None)
    prototype.keywords["enqueued_at"] = now
    enqueued = build(task, prototype, recurrence.args, recurrence.kwargs, options, task_id)
    result = enqueued_result(task, enqueued, recurrence.args, recurrence.kwargs)
    # A task's own key is the stronger promise, and without records nothing says whether a task lives.
    if recurrence.overlap == SKIP and enqueued.unique is None and options.record_at_enqueue:
        from ..definition.unique import overlap_key  # Imported here, because few schedules skip.

        enqueued = overlap_key(enqueued, options, name)
    try:
        outcome = note_occurrence(options, name, at, task_id, is_requested=is_requested)
    except CallFailed:
        raise
    except Exception as exc:
        raise enqueue_failed(enqueued, exc) from exc
    if outcome is Verdict.PAUSED:
        logger.info("Schedule %s of %s enqueued nothing, because it is paused", name, at.isoformat())
        return Occurred(task_id=None)
    if outcome is Verdict.SKIPPED:
        logger.info("Schedule %s of %s was skipped before", name, at.isoformat())
        return Occurred(task_id=None, is_skipped=True)
    holder = send(enqueued, options)
    if holder is not None:
        note_skipped(options, name, at, task_id, holder.task_id)
        return Occurred(task_id=holder.task_id, is_skipped=True)
    logger.info("Schedule %s of %s enqueued task id=%s name=%s", name, at.isoformat(), task_id, enqueued.name)
    announce_enqueued(type(task_backends[options.alias]), result, enqueued.enqueued_at)
    return Occurred(task_id=task_id)


def note_occurrence(
    options: Options, name: str, at: datetime, task_id: str, *, is_requested: bool
) -> Verdict:
    """Write an occurrence to the state of its schedule, and return what becomes of it."""
    change = (transitions.requested if is_requested else transitions.occurrence)(at, task_id)
    try:
        store_of(options).change(state_id(options.alias, name), change)
    except Refused as refused:
        if is_requested:
            return Verdict.SEND
        return transitions.verdict(refused.current, at, task_id)
    return Verdict.SEND


def note_skipped(options: Options, name: str, at: datetime, task_id: str, holder: str) -> None:
    """Note an occurrence whose predecessor lives. A state that has gone on needs no note."""
    logger.info(
        "Schedule %s of %s enqueued nothing, because task id=%s of an earlier occurrence hasn't ended",
        name,
        at.isoformat(),
        holder,
    )
    try:
        store_of(options).change(state_id(options.alias, name), transitions.skipped(at, task_id, holder))
    except Refused:
        return
