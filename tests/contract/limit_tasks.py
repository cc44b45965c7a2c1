"""Tasks that use what AWS limits."""

from typing import Any

from django_offload import task

runs: list[Any] = []
# What the next runs of take() raise.
failures: list[type[Exception]] = []
# The key of the next step.
keys: list[Any] = []


def note(value: Any) -> Any:
    runs.append(value)
    return value


@task(takes_context=True, max_attempts=1)
def take_step(context: Any, key: str) -> Any:
    """Take a step under a key, and return what it returned."""
    return context.step(key, note, len(key))


@task(takes_context=True, max_attempts=1)
def take_bad_step(context: Any, size: int) -> None:
    context.step("é" * size, note, size)


@task(takes_context=True, max_attempts=1)
def take_half_step(context: Any, way: str) -> None:
    getattr(context, way)("order \ud800", note, 1)


@task(max_attempts=3)
def echo(*args: Any, **kwargs: Any) -> list[Any]:
    return [args, kwargs]


@task(max_attempts=3)
def nest(levels: int) -> list[Any]:
    runs.append(levels)
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@task(max_attempts=3, backoff=0, retry_on=ValueError)
def take(*args: Any, **kwargs: Any) -> None:
    """Note the arguments of each attempt."""
    runs.append([[*args], kwargs])
    if failures:
        raise failures.pop()


@task(takes_context=True, max_attempts=1)
def take_any_step(context: Any, way: str, key: Any) -> Any:
    return getattr(context, way)(key, note, 1)


@task(takes_context=True, max_attempts=1)
def take_kept_step(context: Any, way: str) -> Any:
    return getattr(context, way)(keys[0], note, 1)


@task(takes_context=True, max_attempts=1)
def take_large_step(context: Any, size: int) -> int:
    return len(context.step("large", str.ljust, "", size))
