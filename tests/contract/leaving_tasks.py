"""Tasks that leave something behind in their process, and tasks that look for it."""

import time
from collections.abc import Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from django_offload import task
from tests.reliability.databases import write

# What tasks keep beyond their end.
kept: list[Any] = []
# The ids of children that wait for a commit, by their parents' entries.
children: dict[str, str] = {}
runs: list[str] = []


@task
def child(entry: str) -> str:
    return write(entry)


def write_and_enqueue(entry: str) -> None:
    write(f"lost {entry}")
    result = child.enqueue(f"lost child {entry}")
    children.setdefault(entry, result.id)


def rows(entry: str) -> Iterator[str]:
    """Yield inside a transaction in which a row and a child wait for the commit."""
    with transaction.atomic():
        write_and_enqueue(entry)
        try:
            yield entry
        finally:
            write(f"lost at the end {entry}")


def generator_alive(entry: str) -> Any:
    alive = rows(entry)
    next(alive)
    return alive


def kept_generator(entry: str) -> None:
    kept.append(generator_alive(entry))


def generator_in_a_circle(entry: str) -> None:
    circle = [generator_alive(entry)]
    circle.append(circle)


def entered(entry: str) -> None:
    transaction.atomic().__enter__()
    write_and_enqueue(entry)


def entered_twice(entry: str) -> None:
    entered(entry)
    entered(entry)


def entered_and_failed_query(entry: str) -> None:
    entered(entry)
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
    except Exception:  # noqa: BLE001, as careless code does
        child.enqueue(f"lost child {entry}")


def autocommit_off(entry: str) -> None:
    transaction.set_autocommit(False)
    write(f"lost {entry}")


def atomic_without_autocommit(entry: str) -> None:
    """Leave a child to a commit that never comes."""
    transaction.set_autocommit(False)
    with transaction.atomic():
        result = child.enqueue(f"lost child {entry}")
        children.setdefault(entry, result.id)


def begin(entry: str) -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("BEGIN")
    write(f"lost {entry}")


class Owner:
    """An object whose methods are callbacks of a commit. It has nothing to do with tasks."""

    enqueued_tasks = ("not a task",)

    def close(self) -> None:
        """Do nothing."""


class Strange:
    """A callback that raises LookupError for every attribute that it lacks."""

    def __call__(self) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)


def callback_in_a_circle() -> None:
    """Wrap nothing but itself, as a careless decorator makes one."""


callback_in_a_circle.__wrapped__ = callback_in_a_circle  # type: ignore[attr-defined]


def entered_with_callbacks(entry: str) -> None:
    transaction.atomic().__enter__()
    for callback in (callback_in_a_circle, Strange(), Owner().close, [].clear):
        transaction.on_commit(callback)
    write_and_enqueue(entry)


WAYS = {
    way.__name__: way
    for way in (
        kept_generator,
        generator_in_a_circle,
        entered,
        entered_twice,
        entered_and_failed_query,
        entered_with_callbacks,
        autocommit_off,
        atomic_without_autocommit,
        begin,
    )
}


@task(max_attempts=3, backoff=0)
def leave_open(way: str, entry: str) -> str:
    """Return with a transaction open."""
    runs.append(entry)
    WAYS[way](entry)
    return entry


@task
async def leave_open_on_the_loop(way: str, entry: str) -> None:
    """Return with a transaction open in the thread of this coroutine."""
    await sync_to_async(WAYS[way])(entry)


@task
def leave_open_and_fail(way: str, entry: str) -> None:
    """Raise with a transaction open."""
    alive = generator_alive(entry) if way == "generator" else WAYS[way](entry)
    raise LookupError(f"{way} {alive is None}")


SECOND = "second"


@task(max_attempts=3, backoff=0, no_retry_on=(LookupError,))
def leave_second_open(entry: str, fails: bool, databases: list[str]) -> None:
    """Commit to the first database of two, and leave a transaction open on each of `databases`."""
    runs.append(entry)
    with transaction.atomic():
        write(entry)
        child.enqueue(f"child {entry}")
    for alias in databases:
        transaction.atomic(using=alias).__enter__()
        write(f"lost {entry}", using=alias)
    if fails:
        raise LookupError(entry)


@task
def work_in_second(entry: str) -> list[list[Any]]:
    """Write into both databases. Return the state of both before."""
    before = [
        [connections[alias].in_atomic_block, connections[alias].get_autocommit()]
        for alias in (DEFAULT_DB_ALIAS, SECOND)
    ]
    with transaction.atomic(), transaction.atomic(using=SECOND):
        write(entry)
        write(entry, using=SECOND)
    return before


@task
def commit_without_atomic(entry: str) -> str:
    """Turn autocommit off, commit, and forget to turn it on again."""
    transaction.set_autocommit(False)
    write(entry)
    transaction.commit()
    return entry


# How to read, and how to change, something that the database keeps for a session.
SESSION = {
    "postgresql": ("SHOW lock_timeout", "SET lock_timeout = '7s'"),
    "sqlite": ("PRAGMA cache_size", "PRAGMA cache_size = 7"),
}


@task
def look_at_session() -> str:
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(SESSION[connection.vendor][0])
        return str(cursor.fetchone()[0])


@task
def change_session() -> str:
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(SESSION[connection.vendor][1])
    return look_at_session.func()


@task
def work_in_transaction(entry: str) -> list[Any]:
    """Write a row and enqueue a child in a transaction, and drop what others kept. Return the state."""
    before = [
        [connection.in_atomic_block, len(connection.atomic_blocks), len(connection.savepoint_ids)]
        for connection in connections.all(initialized_only=True)
    ]
    with transaction.atomic():
        write(entry)
        kept.clear()
        child.enqueue(f"child {entry}")
    return before


@task(timeout=0.05)
def enter_until_the_deadline() -> None:
    """Enter and leave transactions until the deadline comes, wherever that is."""
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        with transaction.atomic(), transaction.atomic():
            write("until the deadline")
            transaction.set_rollback(True)
