"""The lists of the board: what each holds, and where it is in the table's indexes."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..conf import Options, configured
from ..protocol.conditional_write import Value
from ..protocol.record import (
    DEAD_SHARDS,
    DUE_SHARDS,
    FAILED,
    FAILED_SHARDS,
    READY,
    RUNNING,
    SUCCESSFUL,
    TaskRecord,
)
from ..stores.listing import DUE, HISTORY, Index

# Of each list, beside the call that reads its records: a page takes one call of each partition.
MOST_PARTITIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskList:
    """One list: a part of an index, the newest first."""

    slug: str
    title: str
    says: str  # What is in it.
    time: str  # Which instant of a task it shows, as its column is headed.
    index: Index
    shards: Sequence[int] = ()  # Of the sweeper's index.
    states: tuple[str, ...]
    actions: tuple[str, ...]  # What may be done with many of them, by its slug.

    def partitions(self, options: Options, alias: str = "") -> Sequence[Value]:
        """Return the partitions of its index: of one alias of TASKS, where these are the partitions."""
        if self.index is DUE:
            return self.shards
        return [alias] if alias else aliases(options)[:MOST_PARTITIONS]

    def holds(self, record: TaskRecord) -> bool:
        """Tell whether a record still belongs here: the index lags behind."""
        return record.status in self.states and (self.index is not DUE or record.due_at is not None)


UNDER_WAY = TaskList(
    slug="underway",
    title="Under way",
    says="Waiting or running.",
    time="Enqueued",
    index=DUE,
    shards=range(DUE_SHARDS),
    states=(READY, RUNNING),
    actions=("cancel",),
)
FAILED_TASKS = TaskList(
    slug="failed",
    title="Failed",
    says="Their own function raised, for the last time.",
    time="Failed",
    index=DUE,
    shards=FAILED_SHARDS,
    states=(FAILED,),
    actions=("retry", "discard"),
)
DEAD_LETTERS = TaskList(
    slug="dead",
    title="Dead letters",
    says="Given up from outside: no worker took them, or none survived them.",
    time="Given up",
    index=DUE,
    shards=DEAD_SHARDS,
    states=(FAILED,),
    actions=("redrive", "discard"),
)
EVERYTHING = TaskList(
    slug="all",
    title="All",
    says="Every task, in whatever state.",
    time="Enqueued",
    index=HISTORY,
    states=(READY, RUNNING, SUCCESSFUL, FAILED),
    actions=("retry", "cancel", "redrive", "discard"),
)


def lists(options: Options) -> list[TaskList]:
    """Return the lists that a stack has: all tasks only where OPTIONS['history'] keeps an index of them."""
    kept = any(other.history for other in configured().values() if other.stack == options.stack)
    return [UNDER_WAY, FAILED_TASKS, DEAD_LETTERS, *([EVERYTHING] if kept else [])]


def aliases(options: Options) -> list[str]:
    """Return the aliases of TASKS that share a stack."""
    return [alias for alias, other in configured().items() if other.stack == options.stack]
