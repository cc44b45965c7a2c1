"""Tasks that enqueue more and more, in every usual way."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from django.utils import timezone

from django_offload import task
from django_offload.exceptions import TooManyEnqueues

born: list[str] = []  # The ids of the tasks that were enqueued.
ran: list[str] = []
refusals: list[str] = []


@task
def child() -> None:
    """Do nothing."""


def enqueue_child(backend: str = "default", **changes: Any) -> None:
    try:
        born.append(child.using(backend=backend, **changes).enqueue().id)
    except TooManyEnqueues as exc:
        refusals.append(str(exc))


async def enqueue_child_async() -> None:
    try:
        born.append((await child.aenqueue()).id)
    except TooManyEnqueues as exc:
        refusals.append(str(exc))


def one_by_one(count: int) -> None:
    for _ in range(count):
        enqueue_child()


def on_two_backends(count: int) -> None:
    for number in range(count):
        enqueue_child("other" if number % 2 else "default")


def for_later(count: int) -> None:
    for _ in range(count):
        enqueue_child(run_after=timezone.now() + timezone.timedelta(minutes=5))


def at_the_commit(count: int) -> None:
    with transaction.atomic():
        one_by_one(count)


def in_threads(count: int) -> None:
    threads = [Thread(target=enqueue_child) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_a_pool(count: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: enqueue_child(), range(count)))


def gathered(count: int) -> None:
    async def all_of_them() -> None:
        await asyncio.gather(*(enqueue_child_async() for _ in range(count)))

    async_to_sync(all_of_them)()


def sync_to_async_of_them(count: int) -> None:
    async def all_of_them() -> None:
        await asyncio.gather(*(sync_to_async(enqueue_child, thread_sensitive=False)() for _ in range(count)))

    async_to_sync(all_of_them)()


WAYS: dict[str, Callable[[int], None]] = {
    way.__name__: way
    for way in (
        *(one_by_one, on_two_backends, for_later, at_the_commit),
        *(in_threads, in_a_pool, gathered, sync_to_async_of_them),
    )
}


@task
def enqueues(way: str, count: int) -> None:
    WAYS[way](count)


@task
async def enqueues_in_a_coroutine(count: int) -> None:
    await asyncio.gather(*(enqueue_child_async() for _ in range(count)))


@task(max_attempts=3, backoff=0)
def never_ends() -> None:
    ran.append("never_ends")
    while True:
        born.append(child.enqueue().id)


@task
def enqueues_elsewhere(backend: str, count: int) -> None:
    for _ in range(count):
        child.using(backend=backend, queue_name="default").enqueue()


@task
def enqueues_many(count: int) -> int:
    answers = child.enqueue_many(() for _ in range(count))
    try:
        born.extend(answer.id for answer in answers if not isinstance(answer, Exception))
    except TooManyEnqueues as exc:
        refusals.append(str(exc))
    return len(born)


@task(max_attempts=3, backoff=0)
def fork_bomb(way: str = "enqueue", backends: Any = ("default",)) -> None:
    """Enqueue itself twice."""
    ran.append("bomb")
    if way == "enqueue":
        for number in range(2):
            following = [*backends[1:], backends[0]]
            again = fork_bomb.using(backend=following[0]).enqueue(way, following)
            born.append(f"{again.id} {number}")
    else:
        born.extend(getattr(answer, "id", "") for answer in fork_bomb.enqueue_many([(way,), (way,)]))


@task
def rolls_back(count: int) -> None:
    try:
        with transaction.atomic():
            one_by_one(count)
            raise ZeroDivisionError
    except ZeroDivisionError:
        one_by_one(count)


def forget() -> None:
    for kept in (born, ran, refusals):
        kept.clear()
