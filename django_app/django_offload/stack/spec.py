"""What one stack contains: the options of every alias in TASKS that shares it, merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ..conf import Options, QueueOptions
from ..conf.schedules import Recurrence
from ..conf.validation import COLLISION_HINT, colliding_queues
from ..exceptions import ConfigurationError
from ..protocol.shards import READ_SHARDS
from .names import DEAD_LETTER, HISTORY_INDEXES, INDEX, MIGRATE, SWEEPER, schedule_id, worker
from .stage_environment import (
    NO_STAGE_ENVIRONMENT,
    DeploymentTarget,
    StageEnvironment,
    Vpc,
    check_stage_environment,
)
from .template_limits import check_limits

# These options make a queue's function and mapping, and the stack's own resources, or limit what its tasks do
# together, so all aliases must agree.
_QUEUE_KEYS = ("timeout", "memory", "batch_size", "batch_window", "max_concurrency", "pollers")
_STACK_KEYS = ("stack", "table", "bucket", "functions", "enqueues_per_root")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSpec:
    """One stack: its names, its queues with the largest values of all aliases, and its features."""

    options: Options  # Of the first alias, for the names that all aliases share.
    queues: Mapping[str, QueueOptions]  # max_attempts is the largest of aliases and tasks.
    sends_by_sqs: bool  # Does an alias use SQSBackend?
    sends_by_lambda: bool  # Does an alias use LambdaBackend?
    history: bool | str  # How indexes list every record, for the board: as in OPTIONS["history"].
    shards: int  # The most that any alias writes to in the sweeper's index.
    outbox: bool  # Does the sweeper send what a process left in the outbox?
    schedules: Mapping[tuple[str, str], Recurrence]  # Scheduled tasks, by alias and name.
    settings_module: str | None
    result_ttl: timedelta  # The longest that any result can be read.
    stage_environment: StageEnvironment = NO_STAGE_ENVIRONMENT

    @property
    def stack(self) -> str:
        return self.options.stack

    @property
    def indexes(self) -> tuple[str, ...]:
        """The names of the table's indexes."""
        return (INDEX, *HISTORY_INDEXES[self.history])

    @property
    def written_and_read_shards(self) -> str:
        """How many shards of the sweeper's index the stack writes to, and how many it reads."""
        return f"{self.shards}/{READ_SHARDS}"

    @property
    def failed_events(self) -> str:
        """The name of the queue for events that no function accepted."""
        return f"{self.stack}-failed-events"

    @property
    def environment(self) -> Mapping[str, str]:
        return self.stage_environment.environment

    @property
    def secrets(self) -> Mapping[str, str]:
        return self.stage_environment.secrets

    @property
    def vpc(self) -> Vpc | None:
        return self.stage_environment.vpc

    @property
    def target(self) -> DeploymentTarget | None:
        return self.stage_environment.target


def merge_options(
    aliases: Sequence[Options],
    *,
    attempts: Mapping[str, int],
    settings_module: str | None,
    result_ttl: timedelta,
    stage_environment: StageEnvironment = NO_STAGE_ENVIRONMENT,
) -> StackSpec:
    """Return the stack that all `aliases` share. Raise ConfigurationError if they contradict each other."""
    first = aliases[0]
    queues: dict[str, QueueOptions] = {}
    for options in aliases:
        for key in _STACK_KEYS:
            if getattr(options, key) != getattr(first, key):
                raise contradiction(options, f"OPTIONS['{key}']", f"TASKS['{first.alias}'] (same stack)")
        for name, queue in options.queues.items():
            merged = queues.get(name, queue)
            for key in _QUEUE_KEYS:
                if getattr(merged, key) != getattr(queue, key):
                    option = f"OPTIONS['queues']['{name}']['{key}']"
                    raise contradiction(options, option, "another alias with this queue and stack")
            queues[name] = replace(merged, max_attempts=max(merged.max_attempts, queue.max_attempts))
    check_resource_names(first, queues)
    check_stage_environment(stage_environment, first.alias)
    spec = StackSpec(
        options=first,
        queues={
            name: replace(queue, max_attempts=max(queue.max_attempts, attempts.get(name, 0)))
            for name, queue in queues.items()
        },
        sends_by_sqs=any(options.transport == "sqs" for options in aliases),
        sends_by_lambda=any(options.transport == "lambda" for options in aliases),
        history=merge_history(aliases),
        shards=max(options.shards for options in aliases),
        outbox=any(options.outbox for options in aliases),
        schedules=merge_schedules(aliases),
        settings_module=settings_module,
        result_ttl=max(result_ttl, *(options.ttl(name) for options in aliases for name in options.queues)),
        stage_environment=stage_environment,
    )
    check_limits(spec)
    return spec


def merge_history(aliases: Sequence[Options]) -> bool | str:
    """Return OPTIONS["history"] of the stack. Raise ConfigurationError if a list would lack records."""
    first = aliases[0]
    for options in aliases:
        if (options.sharded_history or first.sharded_history) and options.history != first.history:
            raise contradiction(options, "OPTIONS['history']", f"TASKS['{first.alias}'] (same stack)")
    return first.history if first.sharded_history else any(options.history for options in aliases)


def merge_schedules(aliases: Sequence[Options]) -> dict[tuple[str, str], Recurrence]:
    """Return the schedules of all aliases. Raise ConfigurationError if two would become one resource."""
    schedules: dict[tuple[str, str], Recurrence] = {}
    ids: dict[str, str] = {}
    for options in aliases:
        for name, recurrence in options.schedules.items():
            if any(name == other_name for _, other_name in schedules):
                raise ConfigurationError(
                    options.alias,
                    f"A schedule is called '{name}', and so is one of another alias of the stack.",
                    "Rename one of them, in OPTIONS['schedules'] or with name= in cron() or every().",
                )
            if (other := ids.setdefault(schedule_id(options.alias, name), name)) != name:
                raise ConfigurationError(
                    options.alias,
                    f"The schedules '{other}' and '{name}' would be one resource in AWS.",
                    "Rename one of them: hyphens and underscores don't count.",
                )
            schedules[options.alias, name] = recurrence
    return schedules


def contradiction(options: Options, option: str, other: str) -> ConfigurationError:
    return ConfigurationError(
        options.alias,
        f"{option} differs from that of {other}.",
        "Give both the same value, or a stack of their own. An option that is left out has its default.",
    )


def check_resource_names(options: Options, queues: Mapping[str, QueueOptions]) -> None:
    """Raise ConfigurationError if two queues, or two functions, would become the same resource."""
    for first, second in colliding_queues(queues):
        raise ConfigurationError(
            options.alias,
            f"The queues '{first}' and '{second}' would be one resource in AWS.",
            COLLISION_HINT,
        )
    roles: dict[str, str] = {}
    for role in (*map(worker, queues), DEAD_LETTER, SWEEPER, MIGRATE):
        function = options.function(role)
        if (other := roles.setdefault(function, role)) != role:
            raise ConfigurationError(
                options.alias,
                f"The roles '{other}' and '{role}' would share the function '{function}'.",
                "Give each a name of its own in OPTIONS['functions'].",
            )
