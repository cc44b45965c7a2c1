"""The lists of the board: which tasks each one shows, and which index of the table holds them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..conf import Options, configured
from ..protocol.conditional_write import Value
from ..protocol.record import FAILED, READY, RUNNING, SUCCESSFUL, TaskRecord
from ..protocol.shards import Band, history_partitions, partition, partitions
from ..stores import store_of
from ..stores.listing import DUE, HISTORY, SHARDED_HISTORY, Index

# A page makes one call for each partition, and another to read the records.
MOST_PARTITIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskList:
    """One list: a part of an index, newest first."""

    slug: str
    title: str
    description: str
    time_heading: str
    index: Index
    bands: Sequence[Band] = ()  # Of the index `due`.
    old: bool = True  # Whether the partitions of releases up to 0.1.0 belong to it.
    states: tuple[str, ...]
    actions: tuple[str, ...]  # The slugs of the actions on several tasks.

    def partitions(self, options: Options, alias: str = "") -> Sequence[Value]:
        """Return the partitions to read: shards of the index `due` or of an alias, or one for each alias."""
        if self.index is DUE:
            return partitions(*self.bands, shards=store_of(options).read_shards, old=self.old)
        names = [alias] if alias else aliases(options)[: self.most_aliases]
        if self.index is HISTORY:
            return names
        return [part for name in names for part in history_partitions(name, store_of(options).read_shards)]

    @property
    def most_aliases(self) -> int:
        """How many aliases one page of the history shows. Each has many shards, or is one partition."""
        return 1 if self.index is SHARDED_HISTORY else MOST_PARTITIONS

    def written(self, options: Options) -> Sequence[int]:
        """Return the partitions of the index `due` that the stack writes to now. They have most entries."""
        store = store_of(options)
        shards = {store.shards(other) for other in configured().values() if other.stack == options.stack}
        return list(
            dict.fromkeys(
                partition(band, number, count)
                for count in shards
                for band in self.bands
                for number in range(count)
            )
        )

    @property
    def under_way(self) -> bool:
        """True for a list of tasks that haven't ended, which isn't in the order of their enqueues."""
        return FAILED not in self.states

    def includes(self, record: TaskRecord) -> bool:
        """Return True if the record still belongs here. The index may be a moment behind."""
        return record.status in self.states and (self.index is not DUE or record.due_at is not None)


# Each of these asks one band. A page that asked two would cost more than 85 read units. Every stack has both
# lists, because tasks stay where an earlier OPTIONS["shards"] put them.
UNDER_WAY = TaskList(
    slug="underway",
    title="Under way",
    description="Tasks that wait or run, except those in the list Deferred.",
    time_heading="Enqueued",
    index=DUE,
    bands=(Band.RESCUE,),
    states=(READY, RUNNING),
    actions=("cancel",),
)
DEFERRED_TASKS = TaskList(
    slug="deferred",
    title="Deferred",
    description="Tasks that start later than a message can wait. The sweeper sends each before its start."
    ' While OPTIONS["shards"] is 1 or 2, deferred tasks are in the list Under way.',
    time_heading="Starts",
    index=DUE,
    bands=(Band.DEFERRED,),
    old=False,
    states=(READY, RUNNING),
    actions=("cancel",),
)
FAILED_TASKS = TaskList(
    slug="failed",
    title="Failed",
    description="Tasks whose function raised an exception on the last attempt.",
    time_heading="Failed",
    index=DUE,
    bands=(Band.FAILED,),
    states=(FAILED,),
    actions=("retry", "discard"),
)
DEAD_LETTERS = TaskList(
    slug="dead",
    title="Dead letters",
    description="Tasks that no worker took, or that no worker survived.",
    time_heading="Given up",
    index=DUE,
    bands=(Band.DEAD,),
    states=(FAILED,),
    actions=("redrive", "discard"),
)
EVERYTHING = TaskList(
    slug="all",
    title="All",
    description="All tasks, in any state.",
    time_heading="Enqueued",
    index=HISTORY,
    states=(READY, RUNNING, SUCCESSFUL, FAILED),
    actions=("retry", "cancel", "redrive", "discard"),
)


EVERYTHING_BY_SHARD = replace(EVERYTHING, index=SHARDED_HISTORY)


def lists(options: Options) -> list[TaskList]:
    """
    Return the lists of a stack. Only a stack with OPTIONS['history'] can list all tasks.

    While it has both indexes of them, the older one is read, because only that one has all records.
    """
    histories = {other.history for other in configured().values() if other.stack == options.stack}
    history = EVERYTHING_BY_SHARD if "sharded" in histories else EVERYTHING
    common = [UNDER_WAY, DEFERRED_TASKS, FAILED_TASKS, DEAD_LETTERS]
    return [*common, *([history] if any(histories) else [])]


def aliases(options: Options) -> list[str]:
    """Return the aliases in TASKS that share the stack."""
    return [alias for alias, other in configured().items() if other.stack == options.stack]


def partly_listed(task_list: TaskList, options: Options) -> list[str]:
    """Return the queues of a stack whose waiting and running tasks this list shows only if in trouble."""
    if task_list is not UNDER_WAY:
        return []
    aliases_of_stack = [other for other in configured().values() if other.stack == options.stack]
    return sorted({name for other in aliases_of_stack for name in other.queues if not other.is_indexed(name)})
