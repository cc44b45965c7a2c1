"""Tasks whose effects in a database happen once."""

from collections.abc import Callable
from typing import Any

from django_offload import task
from tests.reliability.databases import write

# What the next attempts call between their effect and their end.
afterwards: list[Callable[[], None]] = []
runs: list[str] = []


@task(takes_context=True, max_attempts=3, backoff=0)
def pay(context: Any, order: str, using: str | None = None) -> str:
    """Write to the ledger once, even if the attempt fails afterwards."""
    paid: str = context.atomic("pay", book, order, using=using)
    if afterwards:
        afterwards.pop(0)()
    return paid


@task(takes_context=True)
def pay_in_parts(context: Any, orders: list[str]) -> list[str]:
    """Write each order under its own key, and the first one once more."""
    return [context.atomic(order, book, order) for order in [*orders, orders[0]]]


@task(takes_context=True, max_attempts=3, backoff=0)
def fail_while_paying(context: Any, order: str) -> str:
    """Write, and fail inside the transaction in the first attempt."""

    def half() -> str:
        book(order)
        if context.attempt == 1:
            raise OSError("the network is gone")
        return order

    paid: str = context.atomic("pay", half)
    return paid


def book(order: str) -> str:
    runs.append(order)
    return write(order)
