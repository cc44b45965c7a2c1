"""Tasks that the faults are played on."""

import time
from collections.abc import Callable
from typing import Any

from django_offload import task
from tests.reliability.databases import write

LONG = "x" * 400  # Too long for a record: kept beside it.

# What the next executions do first, and how often there was one.
first: list[Callable[[], None]] = []
executions: list[int] = []


@task
def plain(number: int) -> int:
    executions.append(number)
    return number + 1


@task(max_attempts=9, backoff=0)
def second_time_lucky(number: int) -> str:
    """Fail at the first execution, succeed at the second with a result kept beside the record."""
    executions.append(number)
    if first:
        first.pop(0)()
    if executions.count(number) == 1:
        raise OSError("not this time")
    return LONG


@task(max_attempts=9, backoff=0)
def long_result(number: int) -> str:
    executions.append(number)
    return LONG


@task(max_attempts=9, backoff=0)
def much(number: int, text: str) -> str:
    executions.append(number)
    return LONG


@task(max_attempts=9, backoff=0)
def prepared(number: int) -> int:
    executions.append(number)
    if first:
        first.pop(0)()
    return number


@task(takes_context=True, max_attempts=9, backoff=0)
def step_by_step(context: Any, number: int) -> str:
    """Do something, report it, return what is kept beside the record."""
    executions.append(number)
    if first:
        first.pop(0)()
    context.progress(1, 1)
    return LONG


@task(name="shop.new_name", aliases="shop.old_name")
def renamed(number: int) -> int:
    executions.append(number)
    return number


@task(timeout=5)
def five_seconds(number: int) -> int:
    executions.append(number)
    return number


@task(takes_context=True)
def in_steps(context: Any, number: int) -> list[Any]:
    doubled = context.step("double", _double, number)
    return [context.attempt, doubled, context.idempotency_key]


def _double(number: int) -> int:
    executions.append(number)
    return 2 * number


@task(timeout=0.2)
def endless() -> None:
    while True:
        time.sleep(0.01)


@task
def leaves() -> None:
    raise GeneratorExit("no more")


@task
def echoing(text: str, length: int) -> str:
    return "y" * length


@task
def writing(number: int) -> None:
    write(str(number))


@task(takes_context=True, max_attempts=2, backoff=0)
def failing_loudly(context: Any, number: int) -> None:
    context.progress(1, 10, LONG)
    raise OSError(LONG)


seen: list[Any] = []


@task(takes_context=True)
def progressing(context: Any) -> None:
    """Report what goes up and down."""
    for done in (5, 3, 9):
        context.state.sent_at = float("-inf")  # Each report is stored, however soon.
        context.progress(done, 10)
        if first:
            first.pop(0)()
