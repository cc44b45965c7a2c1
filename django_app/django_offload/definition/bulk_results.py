"""What enqueue_many() answers: a result or an exception per task, one after the other, as it is asked."""

import warnings
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Self

from asgiref.sync import sync_to_async

# As many tasks leave together.
MOST_TASKS = 100

type Arguments = tuple[Any, ...] | Mapping[str, Any]


def split_arguments(given: object) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Return the positional and the keyword arguments of one item. Raise TypeError if it is none of ours."""
    if isinstance(given, tuple):
        return given, {}
    if isinstance(given, Mapping):
        return (), given
    raise TypeError(
        f"enqueue_many() takes a tuple (positional arguments) or a dictionary (keyword arguments) for each "
        f"task, not {type(given).__name__}. Write [(1,), (2,)] to enqueue a task with 1 and one with 2."
    )


class BulkResults[T](Iterator[T]):
    """
    One answer per task, in the order of the arguments.

    Tasks leave as their answers are asked for: whoever never asks is warned.
    """

    def __init__(self, found: Iterator[T]) -> None:
        self._found, self._asked = found, False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        self._asked = True
        return next(self._found)

    def __del__(self) -> None:
        if not self._asked:
            _warn("enqueue_many", "for")


class AsyncBulkResults[T](AsyncIterator[T]):
    """The same, by `enqueue_many` in another thread, of arguments that may come asynchronously too."""

    def __init__(
        self,
        enqueue_many: Callable[[Iterable[Arguments]], Iterator[T]],
        arguments: Iterable[Arguments] | AsyncIterable[Arguments],
    ) -> None:
        self._asked = False
        # The generator of a method would keep this object alive, and nobody would be warned.
        if isinstance(arguments, AsyncIterable):
            self._found = _answers_to_async(enqueue_many, arguments)
        else:
            self._found = _answers_to(enqueue_many, arguments)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        self._asked = True
        return await anext(self._found)

    def __del__(self) -> None:
        if not self._asked:
            _warn("aenqueue_many", "async for")


async def _answers_to[T](
    enqueue_many: Callable[[Iterable[Arguments]], Iterator[T]], arguments: Iterable[Arguments]
) -> AsyncIterator[T]:
    answers, failure, taken = enqueue_many(arguments), None, MOST_TASKS
    while failure is None and taken == MOST_TASKS:
        found, failure = await sync_to_async(_taken)(answers)
        for answer in found:
            yield answer
        taken = len(found)
    if failure is not None:
        raise failure


async def _answers_to_async[T](
    enqueue_many: Callable[[Iterable[Arguments]], Iterator[T]], arguments: AsyncIterable[Arguments]
) -> AsyncIterator[T]:
    async for collected, failure in _collected(arguments):
        async for answer in _answers_to(enqueue_many, collected):
            yield answer
        if failure is not None:
            raise failure


def _taken[T](answers: Iterator[T]) -> tuple[list[T], Exception | None]:
    """Return the next answers, and what ended them too soon, if anything did."""
    found: list[T] = []
    try:
        found.extend(islice(answers, MOST_TASKS))
    except Exception as exc:  # noqa: BLE001, raised after the answers are told
        return found, exc
    return found, None


async def _collected(
    arguments: AsyncIterable[Arguments],
) -> AsyncIterator[tuple[list[Arguments], Exception | None]]:
    """Yield arguments by the hundred; with the last of them what ended them too soon, if anything did."""
    collected: list[Arguments] = []
    try:
        async for one in arguments:
            collected.append(one)
            if len(collected) == MOST_TASKS:
                yield collected, None
                collected = []
    except Exception as exc:  # noqa: BLE001, raised after what came before is enqueued
        yield collected, exc
    else:
        yield collected, None


def _warn(name: str, loop: str) -> None:
    warnings.warn(
        f"{name}() enqueued nothing: tasks leave as its answers are asked for. "
        f"Iterate over it: {loop} answer in task.{name}(...).",
        RuntimeWarning,
        stacklevel=3,
    )
