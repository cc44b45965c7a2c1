"""What the board shows of the schedules, and what staff may do with one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched

from django.http import HttpRequest
from django.utils.timezone import get_current_timezone_name

from ..conf import Options, configured
from ..models import Task
from ..operations.dead_letters import readable
from ..operations.redrive import ActionResult
from ..operations.schedules import ScheduleState, occurrence_id, pause, resume, run_now, schedule_states
from ..protocol.enqueued_task import is_id
from ..protocol.record import TaskRecord
from ..stores import listing_of
from ..stores.base import MOST_READ

# What the admin's log calls a schedule: this, its alias and its name. No task has such an id.
LOG_PREFIX = "schedule:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleAction:
    """Something that staff can do with a schedule."""

    slug: str
    verb: str
    description: str  # What it does, for the page that asks for confirmation.
    applies_to: Callable[[ScheduleState], bool]
    refusal: str  # Why it doesn't apply.
    run: Callable[[Options, str, datetime], ActionResult]

    def allowed(self, request: HttpRequest) -> bool:
        """Return True if the user has the action's permission."""
        return bool(request.user.has_perm(f"{Task._meta.app_label}.{self.slug}_schedule"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSchedule:
    """A schedule, and the record of its last occurrence's task, if that is still stored."""

    state: ScheduleState
    options: Options
    last: TaskRecord | None
    actions: Sequence[ScheduleAction] = ()

    @property
    def key(self) -> str:
        """What a form sends of it. No name of a schedule has a colon."""
        return f"{self.state.alias}:{self.state.name}"

    @property
    def log_id(self) -> str:
        return f"{LOG_PREFIX}{self.key}"

    @property
    def when(self) -> str:
        """The time as the project has it."""
        return self.state.recurrence.written or self.state.recurrence.when

    @property
    def timezone(self) -> str:
        """The time zone of a cron, or an empty text for a rate, which has none."""
        return "" if self.state.recurrence.when.startswith("rate(") else self.state.recurrence.timezone

    @property
    def other_timezone(self) -> str:
        """The time zone in which its times are shown too, or an empty text if the visitor has that one."""
        return "" if self.timezone == get_current_timezone_name() else self.timezone

    @property
    def skipped_since(self) -> bool:
        """True if a later time than the last one that enqueued a task was skipped."""
        skipped_at, last_at = self.state.last_skipped_at, self.state.last_at
        return skipped_at is not None and (last_at is None or skipped_at >= last_at)


def shown_schedules(request: HttpRequest) -> list[ShownSchedule]:
    """Return all schedules. After their states, read the records of their last tasks together."""
    states, all_options = schedule_states(), configured()
    records = last_records(states, all_options)
    return [
        ShownSchedule(
            state=state,
            options=all_options[state.alias],
            last=records.get(state.last_id or ""),
            actions=[
                action
                for action in SCHEDULE_ACTIONS.values()
                if action.allowed(request) and action.applies_to(state)
            ],
        )
        for state in states
    ]


def last_records(
    states: Sequence[ScheduleState], all_options: Mapping[str, Options]
) -> dict[str, TaskRecord]:
    """Return the records of the last tasks by id, by one call for each hundred tasks of a stack."""
    now = datetime.now(UTC)
    ids_by_stack: dict[str, list[str]] = {}
    for state in states:
        if state.last_id is not None and is_id(state.last_id):
            ids_by_stack.setdefault(all_options[state.alias].stack, []).append(state.last_id)
    records = {}
    for options in {options.stack: options for options in all_options.values()}.values():
        for ids in batched(dict.fromkeys(ids_by_stack.get(options.stack, ())), MOST_READ):
            for attributes in listing_of(options).get_many(ids):
                record = readable(str(attributes["id"]), attributes)
                if record is not None and not record.hidden(now):
                    records[record.enqueued.id] = record
    return records


def pause_schedule(options: Options, name: str, at: datetime) -> ActionResult:
    done = pause(options, name)
    text = "Paused. Its times enqueue nothing until it is resumed." if done else PAUSE.refusal
    return ActionResult(id=name, done=done, text=text)


def resume_schedule(options: Options, name: str, at: datetime) -> ActionResult:
    done = resume(options, name)
    return ActionResult(
        id=name, done=done, text="Resumed, from its next time on." if done else RESUME.refusal
    )


def run_schedule(options: Options, name: str, at: datetime) -> ActionResult:
    task_id = run_now(options, name, at)
    if task_id == occurrence_id(options, name, at):
        return ActionResult(id=name, done=True, text=f"Enqueued task {task_id}.")
    text = f"Skipped, because task {task_id} of an earlier time hasn't ended. Wait for its end, or cancel it."
    return ActionResult(id=name, done=False, text=text)


PAUSE = ScheduleAction(
    slug="pause",
    verb="Pause",
    description="Its times enqueue nothing until it is resumed, also after a deployment. Tasks that were "
    "enqueued go on.",
    applies_to=lambda state: state.paused_at is None,
    refusal="It is paused already.",
    run=pause_schedule,
)
RESUME = ScheduleAction(
    slug="resume",
    verb="Resume",
    description="It enqueues its task again from its next time on. The times of the pause don't come again.",
    applies_to=lambda state: state.paused_at is not None,
    refusal="It isn't paused.",
    run=resume_schedule,
)
RUN = ScheduleAction(
    slug="run",
    verb="Run now",
    description="Its task is enqueued once, now. Its other times stay as they are, and a pause too.",
    applies_to=lambda state: True,
    refusal="",
    run=run_schedule,
)
SCHEDULE_ACTIONS = {action.slug: action for action in (PAUSE, RESUME, RUN)}
