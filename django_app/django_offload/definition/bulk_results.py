"""The answers of enqueue_many(): a result or an exception per task, in the order of the arguments."""

import warnings
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Self

from asgiref.sync import sync_to_async

# The number of tasks that are sent together.
MOST_TASKS = 100

type Arguments = tuple[Any, ...] | Mapping[str, Any]


def split_arguments(item: object) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return the positional and the keyword arguments of an item. Raise TypeError if it has another type."""
    if isinstance(item, tuple):
        return item, {}
    if isinstance(item, Mapping):
        return (), item
    raise TypeError(
        f"enqueue_many() takes a tuple (positional arguments) or a dictionary (keyword arguments) for each "
        f"task, not {type(item).__name__}. Write [(1,), (2,)] to enqueue a task with 1 and one with 2."
    )


class BulkResults[T](Iterator[T]):
    """
    One answer per task, in the order of the arguments.

    Iterating sends the tasks. If nobody iterates, this object warns when it is deleted.
    """

    def __init__(self, answers: Iterator[T]) -> None:
        self._answers, self._used = answers, False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        self._used = True
        return next(self._answers)

    def __del__(self) -> None:
        if not self._used:
            warn_unused("enqueue_many", "for")


class AsyncBulkResults[T](AsyncIterator[T]):
    """The same for `async for`. `enqueue_many` runs in another thread; `arguments` may be asynchronous."""

    def __init__(
        self,
        enqueue_many: Callable[[Iterable[Arguments]], Iterator[T]],
        arguments: Iterable[Arguments] | AsyncIterable[Arguments],
    ) -> None:
        self._used = False
        # A generator that is a method would keep this object alive, and nobody would be warned.
        if isinstance(arguments, AsyncIterable):
            self._answers = answers_to_async(enqueue_many, arguments)
        else:
            self._answers = answers_to(enqueue_many, arguments)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        self._used = True
        return await anext(self._answers)

    def __del__(self) -> None:
        if not self._used:
            warn_unused("aenqueue_many", "async for")


async def answers_to[T](
    enqueue_many: Callable[[Iterable[Arguments]], Iterator[T]], arguments: Iterable[Arguments]
) -> AsyncIterator[T]:
    answers, failure, size = enqueue_many(arguments), None, MOST_TASKS
    while failure is None and size == MOST_TASKS:
        chunk, failure = await sync_to_async(next_chunk)(answers)
        for answer in chunk:
            yield answer
        size = len(chunk)
    if failure is not None:
        raise failure


async def answers_to_async[T](
    enqueue_many: Callable[[Iterable[Arguments]], Iterator[T]], arguments: AsyncIterable[Arguments]
) -> AsyncIterator[T]:
    async for chunk, failure in argument_chunks(arguments):
        async for answer in answers_to(enqueue_many, chunk):
            yield answer
        if failure is not None:
            raise failure


def next_chunk[T](answers: Iterator[T]) -> tuple[list[T], Exception | None]:
    """Return the next answers, and the exception that ended them, if any."""
    chunk: list[T] = []
    try:
        chunk.extend(islice(answers, MOST_TASKS))
    except Exception as exc:  # noqa: BLE001, the caller raises it after these answers
        return chunk, exc
    return chunk, None


async def argument_chunks(
    arguments: AsyncIterable[Arguments],
) -> AsyncIterator[tuple[list[Arguments], Exception | None]]:
    """Yield the arguments in chunks, the last one with the exception that ended them, if any."""
    chunk: list[Arguments] = []
    try:
        async for item in arguments:
            chunk.append(item)
            if len(chunk) == MOST_TASKS:
                yield chunk, None
                chunk = []
    except Exception as exc:  # noqa: BLE001, the caller raises it after enqueueing this chunk
        yield chunk, exc
    else:
        yield chunk, None


def warn_unused(name: str, loop: str) -> None:
    warnings.warn(
        f"{name}() enqueued nothing, because it sends tasks only while you iterate over its answers. "
        f"Write: {loop} answer in task.{name}(...).",
        RuntimeWarning,
        stacklevel=3,
    )
