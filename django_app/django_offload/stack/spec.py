"""What one stack needs, united from every alias in TASKS that shares it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ..conf import Options, QueueOptions
from ..conf.schedules import Recurrence
from ..exceptions import ConfigurationError
from .names import logical
from .stage_environment import NO_SURROUNDINGS, Place, Surroundings, Vpc, check

# What a queue's function and mapping are made of: two aliases cannot both have their way.
_OF_THE_QUEUE = ("timeout", "memory", "batch_size", "batch_window", "max_concurrency")
_OF_THE_STACK = ("table", "bucket", "functions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One stack: its names, its queues with their largest demands, and what it runs."""

    options: Options  # Of the first alias, for the names that all share.
    queues: Mapping[str, QueueOptions]  # max_attempts is the largest of aliases and tasks.
    queueing: bool  # Does an alias send through the queues (SQSBackend)?
    invoking: bool  # Does an alias send by invoking the worker functions (LambdaBackend)?
    history: bool  # Does an index list every record, for the board?
    outbox: bool  # Does the sweeper send for the first time what a process left in the outbox?
    schedules: Mapping[tuple[str, str], Recurrence]  # Recurring tasks, by alias and name.
    settings_module: str | None
    result_ttl: timedelta  # The longest that any result can be read.
    surroundings: Surroundings = NO_SURROUNDINGS

    @property
    def stack(self) -> str:
        return self.options.stack

    @property
    def failed_events(self) -> str:
        """The name of the queue that keeps the events no function took."""
        return f"{self.stack}-failed-events"

    @property
    def environment(self) -> Mapping[str, str]:
        return self.surroundings.environment

    @property
    def secrets(self) -> Mapping[str, str]:
        return self.surroundings.secrets

    @property
    def vpc(self) -> Vpc | None:
        return self.surroundings.vpc

    @property
    def place(self) -> Place | None:
        return self.surroundings.place


def unite(
    options: Sequence[Options],
    *,
    attempts: Mapping[str, int],
    settings_module: str | None,
    result_ttl: timedelta,
    surroundings: Surroundings = NO_SURROUNDINGS,
) -> Plan:
    """Return the plan of the stack that all `options` share. Raise ConfigurationError where they disagree."""
    first = options[0]
    queues: dict[str, QueueOptions] = {}
    for other in options:
        for key in ("stack", *_OF_THE_STACK):
            if getattr(other, key) != getattr(first, key):
                raise _contradiction(other, f"OPTIONS['{key}']", f"TASKS['{first.alias}'] (same stack)")
        for name, queue in other.queues.items():
            queues[name] = _united(other, name, queues.get(name, queue), queue)
    _check_names(first, queues)
    check(surroundings, first.alias)
    return Plan(
        options=first,
        queues={
            name: replace(queue, max_attempts=max(queue.max_attempts, attempts.get(name, 0)))
            for name, queue in queues.items()
        },
        queueing=any(other.transport == "sqs" for other in options),
        invoking=any(other.transport == "lambda" for other in options),
        history=any(other.history for other in options),
        outbox=any(other.outbox for other in options),
        schedules=_schedules(options),
        settings_module=settings_module,
        result_ttl=max(result_ttl, *(other.ttl(name) for other in options for name in other.queues)),
        surroundings=surroundings,
    )


def _united(options: Options, name: str, known: QueueOptions, queue: QueueOptions) -> QueueOptions:
    for key in _OF_THE_QUEUE:
        if getattr(known, key) != getattr(queue, key):
            where = f"OPTIONS['queues']['{name}']['{key}']"
            raise _contradiction(options, where, "another alias with this queue and stack")
    return replace(known, max_attempts=max(known.max_attempts, queue.max_attempts))


def _schedules(options: Sequence[Options]) -> dict[tuple[str, str], Recurrence]:
    """Return every recurring task. Raise ConfigurationError where two have one name."""
    found: dict[tuple[str, str], Recurrence] = {}
    for other in options:
        for name, recurrence in other.schedules.items():
            if any(name == known for _, known in found):
                raise ConfigurationError(
                    other.alias, f"OPTIONS['schedules'] names '{name}', as another alias does.", "Rename one."
                )
            found[other.alias, name] = recurrence
    return found


def _contradiction(options: Options, what: str, whom: str) -> ConfigurationError:
    return ConfigurationError(
        options.alias,
        f"{what} differs from that of {whom}.",
        "Give both the same value (leaving it out means the default), or a stack of their own.",
    )


def _check_names(options: Options, queues: Mapping[str, QueueOptions]) -> None:
    """Raise ConfigurationError where two queues would become one resource."""
    # The stack's own: where it keeps the events that no function took.
    taken = {options.queue("failed-events"): "failed-events (the stack's own)"}
    for name in queues:
        for resource in (logical(name), options.queue(name), options.dead_letter_queue(name)):
            other = taken.setdefault(resource, name)
            if other != name:
                raise ConfigurationError(
                    options.alias,
                    f"The queues '{other}' and '{name}' would share the resource name '{resource}'.",
                    "Rename one of them.",
                )
