"""What a stack can take: the product's own counts of writes, and the limits of AWS."""

from collections.abc import Mapping
from dataclasses import fields
from typing import NamedTuple

from django_offload.conf import QueueOptions, aws_limits
from django_offload.conf.options import Options

# Of a task that is sent and worked on once: test_capacity_tables.py counts both.
TABLE_UNITS, INDEX_UNITS = 3, 2
# Of a task that is deferred once: its entry in the index moves.
TABLE_UNITS_WITH_A_MOVE, INDEX_UNITS_WITH_A_MOVE = 4, 4
# Of the index `history`, in which each backend of TASKS has one partition.
HISTORY_UNITS = 1
DURATIONS = (0.1, 1.0, 10.0)
# RDS for PostgreSQL: the least of memory / 9,531,392 and 5,000.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
BYTES_A_CONNECTION, MOST_CONNECTIONS = 9_531_392, 5_000
GIB = 2**30
MORE_SHARDS = 32


class Limit(NamedTuple):
    """A limit, and how many tasks it lets run at a time or begin a second; one of the two is None."""

    name: str
    at_a_time: float | None
    a_second: float | None

    def tasks_a_second(self, duration: float) -> float:
        if self.at_a_time is not None:
            return self.at_a_time / duration
        assert self.a_second is not None
        return self.a_second


def connections(gibibytes: int) -> int:
    """Return how many connections RDS for PostgreSQL takes with this much memory."""
    return min(gibibytes * GIB // BYTES_A_CONNECTION, MOST_CONNECTIONS)


def limits() -> list[Limit]:
    """Return the limits of a stack, with default settings and quotas and with raised ones."""
    queue = QueueOptions()
    shards = {each.name: each.default for each in fields(Options)}["shards"]
    most = aws_limits.MAPPING_CONCURRENCY[1]
    writes = aws_limits.PARTITION_WRITES
    return [
        Limit(f"`max_concurrency` {queue.max_concurrency}, the default", queue.max_concurrency, None),
        Limit(f"a database with {connections(1)} connections (1 GiB)", connections(1), None),
        Limit(
            f"an account's {aws_limits.ACCOUNT_CONCURRENCY:,} invocations",
            aws_limits.ACCOUNT_CONCURRENCY,
            None,
        ),
        Limit(f"`max_concurrency` {most:,}, the largest", most, None),
        Limit(f"{aws_limits.QUEUE_IN_FLIGHT:,} messages in flight", aws_limits.QUEUE_IN_FLIGHT, None),
        Limit(f"`shards` {shards}, the default", None, shards * writes / INDEX_UNITS),
        Limit(f"`shards` {MORE_SHARDS}", None, MORE_SHARDS * writes / INDEX_UNITS),
        Limit("`history` True, each backend", None, writes / HISTORY_UNITS),
        Limit("a new table", None, aws_limits.TABLE_WRITES_AT_FIRST / TABLE_UNITS),
        Limit("the quota of a table", None, aws_limits.TABLE_WRITES / TABLE_UNITS),
    ]


def first_table() -> str:
    """Return what runs out first, as a Markdown table in that order for the middle duration."""
    middle = DURATIONS[1]
    lines = [
        f"| limit | {' | '.join(f'tasks of {seconds:g} s' for seconds in DURATIONS)} |",
        f"|---|{'---:|' * len(DURATIONS)}",
    ]
    for limit in sorted(limits(), key=lambda limit: limit.tasks_a_second(middle)):
        cells = (number(limit.tasks_a_second(seconds)) for seconds in DURATIONS)
        lines.append(f"| {limit.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """Return a number of tasks a second, rounded down, because nothing above it is reached."""
    return f"{int(value):,}"


def memory_table() -> str:
    """Return the connections of a database by its memory, as a Markdown table."""
    sizes: Mapping[str, int] = {
        "`db.t4g.micro`": 1,
        "`db.t4g.small`": 2,
        "`db.t4g.medium`": 4,
        "`db.m7g.large`": 8,
        "`db.m7g.xlarge`": 16,
    }
    lines = ["| class | memory | `max_connections` |", "|---|---:|---:|"]
    lines += [f"| {name} | {size} GiB | {connections(size):,} |" for name, size in sizes.items()]
    return "\n".join(lines) + "\n"
