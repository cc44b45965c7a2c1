"""manage.py offload_schedule: list the recurring tasks; pause, resume or run one."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.core.management.base import CommandParser

from ...aws import READ_SECONDS
from ...conf import Options, configured
from ...conf.schedules import Recurrence
from ...definition.task_modules import complete_registry
from ...exceptions import UnreadableRecord
from ...operations import schedules
from ...operations.find import find_many
from ...operations.schedules import DECLARE, ScheduleState
from ...protocol.record import read_record
from ...stores.base import MOST_READ
from ..base import EXIT_OK, OffloadCommand
from ..rendering import Styled, styled_status

ACTIONS = ("pause", "resume", "run")


class Command(OffloadCommand):
    help = (
        "List the recurring tasks, with their next times and the result of their last occurrence. With "
        "--pause, --resume or --run, change or run one of them. A pause lasts until you resume the schedule, "
        "also over deployments."
    )
    seconds_a_call = READ_SECONDS
    example: ClassVar[str] = """
manage.py offload_schedule
manage.py offload_schedule --pause nightly
manage.py offload_schedule --resume nightly
manage.py offload_schedule --run nightly
"""

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_mutually_exclusive_group()
        actions.add_argument(
            "--pause", metavar="NAME", help="Enqueue nothing for this schedule until it is resumed."
        )
        actions.add_argument("--resume", metavar="NAME", help="Let a paused schedule go on.")
        actions.add_argument("--run", metavar="NAME", help="Enqueue its task now, even while it is paused.")
        parser.add_argument(
            "--alias", help="The alias in TASKS, if schedules of several aliases have the name."
        )

    def run(self, **options: Any) -> int:
        self.require_backend()
        complete_registry()  # A schedule of a module that can't be imported would be missing.
        aliases = self.aliases(options["alias"])
        for action in ACTIONS:
            if options[action] is not None:
                return self.act(action, options[action], aliases)
        return self.list_schedules(aliases)

    def aliases(self, alias: str | None) -> dict[str, Options]:
        """Return the options of one alias, or of all. Raise CommandError if TASKS has no such alias."""
        known = dict(configured())
        if alias is None:
            return known
        if alias not in known:
            raise self.usage_error(f"TASKS has no alias '{alias}'. Use {' or '.join(known)}.")
        return {alias: known[alias]}

    def act(self, action: str, name: str, aliases: dict[str, Options]) -> int:
        """Pause, resume or run a schedule, and print what became of it."""
        options, now = self.owner_of(name, aliases), datetime.now(UTC)
        answer: dict[str, Any] = {"alias": options.alias, "name": name}
        if action == "run":
            occurred = schedules.enqueue_occurrence(options, name, now, now, is_requested=True)
            self.write_json({**answer, "task_id": occurred.task_id, "skipped": occurred.is_skipped})
            if occurred.is_skipped:
                raise self.failure(
                    f"Nothing was enqueued, because the task of an earlier occurrence of {name} hasn't "
                    f"ended, and its overlap is 'skip'. See manage.py offload_result {occurred.task_id}."
                )
            self.write_line(f"Enqueued {name} as the task {occurred.task_id}.")
            self.write_line(f"  → Follow it: manage.py offload_result {occurred.task_id} --follow")
            return EXIT_OK
        change = schedules.pause if action == "pause" else schedules.resume
        changed, is_paused = change(options, name, now), action == "pause"
        self.write_json({**answer, "paused": is_paused, "changed": changed})
        if is_paused:
            self.write_line(f"{name} is {'' if changed else 'already '}paused.")
            self.write_line(f"  → Let it go on: manage.py offload_schedule --resume {name}")
        else:
            self.write_line(f"{name} goes on." if changed else f"{name} wasn't paused.")
        return EXIT_OK

    def owner_of(self, name: str, aliases: dict[str, Options]) -> Options:
        """Return the options of the alias that has a schedule. Raise CommandError if several have it."""
        owners = schedules.declaring(name, aliases)
        if len(owners) > 1:
            raise self.usage_error(
                f"Several aliases have a schedule '{name}'. Add --alias with one of {', '.join(owners)}."
            )
        return aliases[owners[0]]

    def list_schedules(self, aliases: dict[str, Options]) -> int:
        states = [one for one in schedules.schedule_states() if one.alias in aliases]
        statuses = statuses_of([one.last_id for one in states if one.last_id is not None])
        self.write_json([described(one, statuses) for one in states])
        if not states:
            self.write_line("No recurring tasks.")
            self.write_line(f"  → {DECLARE}")
            return EXIT_OK
        for state in states:
            if state is not states[0]:
                self.write_line()
            for line in state_lines(state, statuses, len(configured()) > 1):
                self.write_line(*line)
        return EXIT_OK


def statuses_of(ids: list[str]) -> dict[str, str]:
    """Return the status of each task that has a record."""
    statuses: dict[str, str] = {}
    for page in batched(dict.fromkeys(ids), MOST_READ):
        for _, found in find_many(page):
            for task_id, record in found.items():
                with suppress(UnreadableRecord):
                    statuses[task_id] = read_record(record).status
    return statuses


def described(state: ScheduleState, statuses: dict[str, str]) -> dict[str, Any]:
    """Return a schedule for --json."""
    recurrence = state.recurrence
    return {
        "alias": state.alias,
        "name": state.name,
        "task": recurrence.task,
        "when": recurrence.when,
        "written": recurrence.written or recurrence.when,
        "timezone": recurrence.timezone,
        "overlap": recurrence.overlap,
        "paused_at": state.paused_at,
        "next_times": list(state.next_times),
        "last_at": state.last_at,
        "last_id": state.last_id,
        "last_status": statuses.get(state.last_id or ""),
        "last_skipped_at": state.last_skipped_at,
    }


def state_lines(
    state: ScheduleState, statuses: dict[str, str], with_alias: bool
) -> Iterator[tuple[Any, ...]]:
    """Yield the lines of one schedule, each as its pieces."""
    recurrence = state.recurrence
    alias = f" of {state.alias}" if with_alias else ""
    yield (Styled(state.name, "heading"), f"{alias}: {when_text(recurrence)}")
    yield (f"  task    {recurrence.task}",)
    if state.paused_at is not None:
        yield ("  paused  ", Styled(f"since {text_of(state.paused_at, 'UTC')}", "bad"))
        yield (f"          → Let it go on: manage.py offload_schedule --resume {state.name}",)
    elif not state.next_times:
        yield ("  next    never again",)
    for number, at in enumerate(() if state.paused_at else state.next_times):
        yield (f"  {'' if number else 'next':8}{text_of(at, recurrence.timezone)}",)
    if state.last_at is None:
        yield ("  last    none yet",)
        return
    last = f"  last    {text_of(state.last_at, recurrence.timezone)}  "
    if state.last_id is not None and state.last_id in statuses:
        yield (last, styled_status(statuses[state.last_id]), f"  {state.last_id}")
    else:
        yield (f"{last}{state.last_id or ''}, whose record is gone or not there yet",)
    if state.last_skipped_at is not None:
        yield (
            f"          {text_of(state.last_skipped_at, recurrence.timezone)} was skipped, because the task "
            "of an earlier occurrence hadn't ended",
        )


def when_text(recurrence: Recurrence) -> str:
    """Return when a task recurs: `every 15 minutes`, or a cron expression as it is written, and its zone."""
    if recurrence.when.startswith("rate("):
        period = recurrence.when.removeprefix("rate(").removesuffix(")")
        return f"every {period.removeprefix('1 ')}"
    return f"{recurrence.written or recurrence.when} {recurrence.timezone}"


def text_of(instant: datetime, timezone: str) -> str:
    """Return an instant in a time zone, with its distance to UTC where that isn't 0."""
    local = instant.astimezone(UTC if timezone == "UTC" else ZoneInfo(timezone))
    offset = local.utcoffset() or timedelta(0)
    return f"{local:%Y-%m-%d %H:%M:%S}" + (f"{local:%z} {timezone}" if offset else f" {timezone}")
