"""Database connections of a worker: alive before each task, and outside of any transaction after it."""

import gc
import logging
from asyncio import _get_running_loop
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from inspect import unwrap
from threading import local
from types import GeneratorType, MethodType
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from ..protocol.enqueued_task import EnqueuedTask

logger = logging.getLogger("django_offload")

# libpq's states of a connection on which a transaction is open, or a statement runs.
BUSY = {1, 2, 3}

# How many blocks of atomic(), savepoints and callbacks a connection has.
type Depth = tuple[int, int, int]
OUTSIDE: Depth = (0, 0, 0)


class Here(local):
    """What this thread knows of its transactions, because looking at them takes as long as ending them."""

    depths: Mapping[str, Depth] | None = None


here = Here()


class LivingConnections(AbstractContextManager[None]):
    """See living_connections(). contextlib's would take twice as long, and every task enters one."""

    __slots__ = ()

    def __enter__(self) -> None:
        opened = opened_connections()
        close_old_connections(opened)
        here.depths = transaction_depths(opened)
        for connection in opened:
            idle = connection.connection is not None and not connection.in_atomic_block
            if idle and not connection.is_usable():
                connection.close()

    def __exit__(self, *exc: object) -> None:
        here.depths = None
        close_old_connections(opened_connections())


def opened_connections() -> list[BaseDatabaseWrapper]:
    """
    Return this thread's connections.

    Outside of event loops, asgiref keeps them in an ordinary threading.local(). To look there takes a tenth
    of the time of connections.all().
    """
    storage = getattr(vars(connections)["_connections"], "_storage", None)
    if type(storage) is not local or _get_running_loop() is not None:
        return [*connections.all(initialized_only=True)]
    return [value for value in vars(storage).values() if isinstance(value, BaseDatabaseWrapper)]


def close_old_connections(opened: Iterable[BaseDatabaseWrapper]) -> None:
    """Do what Django's function of this name does, which looks for the connections itself."""
    for connection in opened:
        connection.close_if_unusable_or_obsolete()


def living_connections() -> AbstractContextManager[None]:
    """
    Let every query inside the block find a living connection, and close those that are too old after it.

    A connection that a server or a network has dropped is closed first, so that the next query opens another.
    Django alone would notice only when that query fails. An open transaction is left alone.
    """
    return LivingConnections()


def transaction_depths(opened: Iterable[BaseDatabaseWrapper]) -> dict[str, Depth]:
    """Return the depth of each connection that is in a transaction."""
    return {
        connection.alias: (
            len(connection.atomic_blocks),
            len(connection.savepoint_ids),
            len(connection.run_on_commit),
        )
        for connection in opened
        if connection.in_atomic_block
    }


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """The transactions that a task left open. They are rolled back."""

    databases: tuple[str, ...]
    unsent: tuple[EnqueuedTask, ...]  # They waited for the commit.

    def log(self, level: int, task_id: str, name: str) -> None:
        text = "Task id=%s name=%s left a transaction open on database %s: rolled back"
        args = [task_id, name, ", ".join(self.databases)]
        if self.unsent:
            text += ". These tasks waited for its commit, so they were not sent: %s"
            args.append(", ".join(f"id={enqueued.id} name={enqueued.name}" for enqueued in self.unsent))
        logger.log(level, text, *args)


def open_transactions() -> Mapping[str, Depth]:
    """Return the depths of this thread's transactions before a task. Only tests have any."""
    if here.depths is not None:
        return here.depths
    return transaction_depths(opened_connections())


def end_transactions(before: Mapping[str, Depth]) -> LeftOpen | None:
    """
    Roll back what a task left open on this thread's connections, and return what that was, if anything.

    `before` is what open_transactions() returned before the task.
    """
    left = []
    for connection in opened_connections():
        depth = before.get(connection.alias, OUTSIDE)
        if is_left_open(connection, depth):
            left.append((connection, depth))
        elif depth is OUTSIDE:
            restore_autocommit(connection)
    if not left:
        return None
    callbacks = [entry for connection, depth in left for entry in connection.run_on_commit[depth[2] :]]
    for connection, depth in left:
        if depth is OUTSIDE:
            drop(connection)
    close_generators([block for connection, depth in left for block in connection.atomic_blocks[depth[0] :]])
    for connection, depth in left:
        leave_blocks(connection, depth)
    kept = {id(entry) for connection, _ in left for entry in connection.run_on_commit}
    lost = [entry[1] for entry in callbacks if id(entry) not in kept]
    aliases = sorted(connection.alias for connection, _ in left)
    return LeftOpen(tuple(aliases), tuple(waiting_tasks(lost)))


def is_left_open(connection: BaseDatabaseWrapper, depth: Depth) -> bool:
    """Return True if a connection is in more of a transaction than it was before the task."""
    blocks = len(connection.atomic_blocks), len(connection.savepoint_ids)
    if blocks != depth[:2] or connection.in_atomic_block != bool(depth[0]):
        return True
    if depth is OUTSIDE and connection.run_on_commit:
        # Without autocommit, atomic() leaves them to a commit, which must not be that of another task.
        return True
    if depth[0] or connection.connection is None or not connection.settings_dict["AUTOCOMMIT"]:
        return False
    return is_busy(connection.connection)


def is_busy(driver_connection: Any) -> bool:
    """Return True if the driver says that a transaction is open, for example after a task's own BEGIN."""
    in_transaction = getattr(driver_connection, "in_transaction", None)  # Of sqlite3.
    if in_transaction is not None:
        return bool(in_transaction)
    return getattr(getattr(driver_connection, "info", None), "transaction_status", 0) in BUSY  # Of psycopg.


def restore_autocommit(connection: BaseDatabaseWrapper) -> None:
    """Turn autocommit back on. Without it, the next task begins with a new transaction."""
    wanted = connection.settings_dict["AUTOCOMMIT"]
    if connection.connection is None or (wanted and connection.autocommit):
        return
    try:
        if connection.autocommit == wanted:
            connection.rollback()
        connection.set_autocommit(wanted)
    except Exception as exc:  # noqa: BLE001, the next query opens another
        logger.debug("Database %s gets a new connection: %s", connection.alias, exc)
        connection.close()


def drop(connection: BaseDatabaseWrapper) -> None:
    """Close a connection, so that nothing of its transaction can be committed any more."""
    connection.needs_rollback = True
    with suppress(Exception):
        if connection.connection is not None:
            connection.connection.rollback()  # Django never closes SQLite in memory.
    with suppress(Exception):
        connection.close()


def close_generators(blocks: list[Any]) -> None:
    """Close the generators that hold blocks of atomic(). Later, they would end a block of another task."""
    if not blocks:
        return
    exits = [holder for holder in gc.get_referrers(*blocks) if isinstance(holder, MethodType)]
    for holder in gc.get_referrers(*blocks, *exits):
        if isinstance(holder, GeneratorType):
            with suppress(Exception):
                holder.close()


def leave_blocks(connection: BaseDatabaseWrapper, depth: Depth) -> None:
    """Leave the blocks that are still open, and make the connection's state what it was before the task."""
    blocks, savepoints, _ = depth
    if blocks:
        for block in reversed(connection.atomic_blocks[blocks:]):
            with suppress(Exception):
                block.__exit__(RuntimeError, None, None)
        del connection.atomic_blocks[blocks:], connection.savepoint_ids[savepoints:]
        connection.in_atomic_block = True
        return
    connection.in_atomic_block = connection.needs_rollback = False
    connection.atomic_blocks, connection.savepoint_ids, connection.run_on_commit = [], [], []
    if connection.closed_in_transaction:
        connection.closed_in_transaction, connection.connection = False, None
    restore_autocommit(connection)


def waiting_tasks(callbacks: Iterable[Any]) -> Iterator[EnqueuedTask]:
    """Yield the EnqueuedTasks that these callbacks of a commit would have sent."""
    for callback in callbacks:
        tasks: Iterable[Any] = ()
        with suppress(Exception):  # Of a callback of the project, which may be any object.
            method: Any = unwrap(callback)
            tasks = [*method.__self__.enqueued_tasks]
        yield from (each for each in tasks if isinstance(each, EnqueuedTask))
