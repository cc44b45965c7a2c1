"""The schedules of an alias: those in OPTIONS['schedules'], and those of its decorated tasks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..conf import Options, shown
from ..conf.schedules import SKIP, Recurrence, entry_problems, when_problem
from ..conf.validation import Problem
from ..exceptions import ConfigurationError
from ..logs.escaping import printable
from .offload_task import OffloadTask
from .registry import name_of, registry, registry_or_none
from .schedule_option import Schedule, cron, every, schedule_name

__all__ = ["Schedule", "cron", "every", "schedules_of"]

CRON_HINT = "Write five fields, such as '0 3 * * *', or two schedules for what one can't say."
NAME_HINT = 'Give one of them a name: @task(schedule=cron(..., name="...")).'


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One schedule of an alias, and where the project declares it."""

    name: str
    place: str  # For errors.
    recurrence: Recurrence
    problems: tuple[Problem, ...] = ()


def schedules_of(options: Options) -> dict[str, Recurrence]:
    """
    Return the schedules of an alias by name, in the order of TASKS and of the tasks' names.

    Schedules that can't be deployed are left out, because the system checks report them. Raise what the
    import of a task module raises.
    """
    return {one.name: one.recurrence for one in declared(options) if not one.problems}


def schedule_of(options: Options, name: str) -> Recurrence | None:
    """
    Return a schedule of an alias, or None if it has no such schedule.

    In a package that lists its tasks, only modules with a schedule of this name are imported.
    """
    if name in options.schedules:
        return options.schedules[name]
    for task in registry().scheduled(name):
        if task.backend == options.alias:
            one = of_task(task)
            return None if one.problems else one.recurrence
    return None


def deployable(options: Options) -> Options:
    """
    Return the options of an alias with all of its schedules, for its stack.

    Raise ConfigurationError at the first one that can't be deployed.
    """
    schedules = list(declared(options))
    for one in schedules:
        for problem in one.problems:
            raise ConfigurationError(options.alias, problem.text, problem.hint)
    return replace(options, schedules={one.name: one.recurrence for one in schedules})


def with_sound_schedules(options: Options) -> Options:
    """
    Return the options of an alias with those schedules that can be deployed, for system checks.

    Without the schedules of decorated tasks, if a task module can't be imported.
    """
    return options if registry_or_none() is None else replace(options, schedules=schedules_of(options))


def declared(options: Options) -> Iterator[Declared]:
    """Yield each schedule of an alias, with its problems. Conf has found none in OPTIONS['schedules']."""
    places: dict[str, str] = {}
    for name, recurrence in options.schedules.items():
        places[name] = f"OPTIONS['schedules'][{shown(name)}]"
        problems = tuple(overlap_problems(options, places[name], recurrence))
        yield Declared(name=name, place=places[name], recurrence=recurrence, problems=problems)
    for task in registry().scheduled():
        if task.backend != options.alias:
            continue
        one = of_task(task)
        one = replace(one, problems=(*one.problems, *overlap_problems(options, one.place, one.recurrence)))
        other = places.setdefault(one.name, one.place)
        if other != one.place or one.name in options.schedules:
            problem = Problem("E042", f"{one.place} is called '{one.name}', and so is {other}.", NAME_HINT)
            one = replace(one, problems=(problem, *one.problems))
        yield one


def overlap_problems(options: Options, place: str, recurrence: Recurrence) -> Iterator[Problem]:
    """Yield what keeps an occurrence from being skipped."""
    if recurrence.overlap != SKIP:
        return
    if not options.record_at_enqueue:
        yield Problem(
            "E043",
            f"{place} has the overlap 'skip', but OPTIONS['record_at_enqueue'] is False, and only a record "
            "says whether the task of an earlier occurrence still runs.",
            "Remove one of the two, or use another alias.",
        )
    task = registry().tasks.get(recurrence.task)
    if getattr(task, "unique", False):
        yield Problem(
            "E043",
            f"{place} has the overlap 'skip', but its task {recurrence.task} is unique itself.",
            "Remove the overlap: a unique task isn't enqueued again while it lives.",
        )


def of_task(task: OffloadTask) -> Declared:
    """Return the schedule of a decorated task."""
    schedule = task.schedule
    assert schedule is not None  # The registry has those that have one.
    name, place = schedule_name(task), f"{name_of(task)}: schedule"
    problems: list[tuple[str, str]] = []
    try:
        when = schedule.when
    except ValueError as exc:
        when = ""
        problems.append((f"{place} {shown(schedule.written)} can't be used: {sentence(exc)}", CRON_HINT))
    else:
        if (problem := when_problem(when)) is not None:
            problems.append(
                (f"{place} {shown(schedule.written)} is {shown(when)} in AWS{problem[0]}", problem[1])
            )
    entry: dict[str, Any] = {
        "timezone": schedule.timezone,
        "args": schedule.args,
        "kwargs": schedule.kwargs,
        "overlap": schedule.overlap,
    }
    problems += entry_problems(place, name, entry)
    recurrence = Recurrence(task=name_of(task), when=when, written=schedule.written, **entry)
    return Declared(
        name=name,
        place=place,
        recurrence=recurrence,
        # Scheduler can't do what the decorator of a task says.
        problems=tuple(Problem("E041", printable(text), printable(hint)) for text, hint in problems),
    )


def sentence(exc: Exception) -> str:
    text = str(exc)
    return text if text.endswith(".") else f"{text}."
