"""The schedules of an alias: those in OPTIONS['schedules'], and those of its decorated tasks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..conf import Options, shown
from ..conf.schedules import Recurrence, entry_problems, when_problem
from ..exceptions import ConfigurationError
from .offload_task import OffloadTask
from .registry import name_of, registry, registry_or_none
from .schedule_option import Schedule, cron, every, schedule_name

__all__ = ["Schedule", "cron", "deployable", "every", "schedule_of", "schedules_of"]

CRON_HINT = "Write five fields, such as '0 3 * * *', or two schedules for what one can't say."
NAME_HINT = 'Give one of them a name: @task(schedule=cron(..., name="...")).'


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One schedule of an alias, and where the project declares it."""

    name: str
    place: str  # For errors.
    recurrence: Recurrence
    problems: tuple[tuple[str, str], ...] = ()  # Texts with hints.


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
        for text, hint in one.problems:
            raise ConfigurationError(options.alias, text, hint)
    return replace(options, schedules={one.name: one.recurrence for one in schedules})


def with_readable_tasks(options: Options) -> Options:
    """Do what deployable() does. If a task module can't be imported, return the options as they are."""
    return options if registry_or_none() is None else deployable(options)


def declared(options: Options) -> Iterator[Declared]:
    """Yield each schedule of an alias, with its problems. Conf has found none in OPTIONS['schedules']."""
    places: dict[str, str] = {}
    for name, recurrence in options.schedules.items():
        places[name] = f"OPTIONS['schedules'][{shown(name)}]"
        yield Declared(name=name, place=places[name], recurrence=recurrence)
    for task in registry().scheduled():
        if task.backend != options.alias:
            continue
        one = of_task(task)
        other = places.setdefault(one.name, one.place)
        if other != one.place or one.name in options.schedules:
            text = f"{one.place} is called '{one.name}', and so is {other}."
            one = replace(one, problems=((text, NAME_HINT), *one.problems))
        yield one


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
            problems.append((f"{place} {shown(schedule.written)} is {shown(when)} in AWS{problem[0]}", problem[1]))
    entry = {
        "timezone": schedule.timezone,
        "args": schedule.args,
        "kwargs": schedule.kwargs,
        "overlap": schedule.overlap,
    }
    problems += entry_problems(place, name, entry)
    recurrence = Recurrence(task=name_of(task), when=when, written=schedule.written, **entry)
    return Declared(name=name, place=place, recurrence=recurrence, problems=tuple(problems))


def sentence(exc: Exception) -> str:
    text = str(exc)
    return text if text.endswith(".") else f"{text}."
