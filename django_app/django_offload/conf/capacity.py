"""System checks of settings that contradict each other about how much runs at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage
from django.db import DatabaseError, connections

from . import aws_limits
from .options import Options, options_by_alias
from .plain_values import shown
from .queue_options import QueueOptions

# What a database says about how many connections it takes, by vendor.
QUERIES = {"postgresql": "SHOW max_connections", "mysql": "SELECT @@max_connections"}
# A proxy of RDS shares connections, and has this in its name:
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-connecting.html
PROXY = ".proxy-"
# Queue options that only messages of SQS have to do with.
OF_SQS = ("batch_size", "batch_window", "max_concurrency", "pollers", "concurrency")


def check_connections(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """
    Warn if workers may open more connections than a database takes. Ask only the databases that are named.

    A pooler shares connections, so a database behind one is left out.
    """
    workers = sum(
        invocations(queue) * threads(queue)
        for stack in by_stack().values()
        for queue in queues(stack).values()
    )
    if not workers:
        return []
    most = {alias: max_connections(alias) for alias in databases or () if not shares_connections(alias)}
    return [
        checks.Warning(
            f"The workers of all queues may run {workers:,} tasks at a time, each with a connection of its "
            f"own, but DATABASES['{alias}'] takes {connections_taken:,} connections in all.",
            hint="Lower max_concurrency, pollers or concurrency in OPTIONS['queues'], take a larger "
            "database, or use RDS Proxy.",
            id="django_offload.W038",
        )
        for alias, connections_taken in most.items()
        if connections_taken is not None and workers > connections_taken
    ]


def invocations(queue: QueueOptions) -> int:
    """Return how many invocations a queue can run at the same time."""
    if queue.pollers is None:
        return queue.max_concurrency
    _, most = queue.pollers
    return most * aws_limits.POLLER_CONCURRENCY


def threads(queue: QueueOptions) -> int:
    """Return how many tasks of a queue one worker can run at the same time."""
    return min(queue.concurrency, queue.batch_size)


def by_stack() -> Mapping[str, list[Options]]:
    stacks: dict[str, list[Options]] = {}
    for options in options_by_alias().values():
        stacks.setdefault(options.stack, []).append(options)
    return stacks


def queues(stack: Sequence[Options]) -> Mapping[str, QueueOptions]:
    """Return the queues of a stack that SQS feeds, by name. Another check reports different options."""
    return {
        name: queue
        for options in stack
        if options.transport == "sqs"
        for name, queue in options.queues.items()
    }


def shares_connections(alias: str) -> bool:
    """Return True if a pooler is between the workers and a database."""
    settings = connections[alias].settings_dict
    # Django's documentation asks for the second one where a pooler shares connections between transactions.
    return PROXY in str(settings.get("HOST", "")) or bool(settings.get("DISABLE_SERVER_SIDE_CURSORS"))


def max_connections(alias: str) -> int | None:
    """Return how many connections a database takes, or None if it doesn't say so."""
    connection = connections[alias]
    query = QUERIES.get(connection.vendor)
    if query is None:
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return int(cursor.fetchone()[0])
    except (DatabaseError, TypeError, ValueError):
        return None  # Another check, or the command itself, reports a database that doesn't answer.


def check_at_a_time(**kwargs: Any) -> list[CheckMessage]:
    """Warn if queues may start more at a time than AWS gives an account."""
    messages: list[CheckMessage] = []
    by_queue = {
        (stack, name): queue
        for stack, options in by_stack().items()
        for name, queue in queues(options).items()
    }
    in_all = sum(invocations(queue) for queue in by_queue.values())
    if in_all > aws_limits.ACCOUNT_CONCURRENCY:
        messages.append(
            checks.Warning(
                f"The queues may run {in_all:,} invocations at a time, but Lambda gives an account "
                f"{aws_limits.ACCOUNT_CONCURRENCY:,} for all of its functions, the web function too.",
                hint="Lower max_concurrency or pollers in OPTIONS['queues'], or have the quota raised and "
                "add this id to SILENCED_SYSTEM_CHECKS.",
                id="django_offload.W039",
            )
        )
    for (stack, name), queue in by_queue.items():
        taken = invocations(queue) * queue.batch_size
        if taken > aws_limits.QUEUE_IN_FLIGHT:
            messages.append(
                checks.Warning(
                    f"The workers of queue {shown(name)} in stack {shown(stack)} may take {taken:,} messages "
                    f"at a time, but SQS hands out {aws_limits.QUEUE_IN_FLIGHT:,}.",
                    hint="Lower max_concurrency, pollers or batch_size in OPTIONS['queues'].",
                    id="django_offload.W039",
                )
            )
    return messages


def check_shards(**kwargs: Any) -> list[CheckMessage]:
    """Warn if aliases of one stack spread their writes over different numbers of shards."""
    return [
        checks.Warning(
            f"The aliases of stack {shown(stack)} have different OPTIONS['shards'], "
            f"{', '.join(str(options.shards) for options in aliases)}, but they write to one index. "
            "What the fewest shards take is throttled first.",
            hint="Give the aliases of a stack the same OPTIONS['shards'].",
            id="django_offload.W040",
        )
        for stack, aliases in by_stack().items()
        if len({options.shards for options in aliases}) > 1
    ]


def check_without_effect(**kwargs: Any) -> list[CheckMessage]:
    """Warn about queue options that have no effect."""
    return [
        checks.Warning(
            f"{option} has no effect, because {cause}.",
            hint=f"Remove it, or {instead}.",
            id="django_offload.W041",
        )
        for aliases in by_stack().values()
        for option, cause, instead in options_without_effect(aliases)
    ]


def options_without_effect(aliases: Sequence[Options]) -> Iterator[tuple[str, str, str]]:
    """Yield each option of a stack that has no effect, why, and what to do instead of removing it."""
    by_sqs, defaults = queues(aliases), QueueOptions()
    for options in aliases:
        for name, queue in options.queues.items():
            where = f"TASKS[{shown(options.alias)}]: OPTIONS['queues'][{shown(name)}]"
            if name not in by_sqs:
                for key in OF_SQS:
                    if getattr(queue, key) != getattr(defaults, key):
                        cause = "LambdaBackend starts an invocation for each task"
                        yield f"{where}['{key}']", cause, "use SQSBackend"
            elif queue.batch_window and queue.batch_size == 1 and options.transport == "sqs":
                cause = "a batch of one message is full at once"
                yield f"{where}['batch_window']", cause, "raise batch_size"
