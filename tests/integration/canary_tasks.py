"""Tasks with a sensitive argument, one for each way in which a task can end. Each one quotes it."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import quote

from django_offload import task

OWNERS: list[str] = []  # Whose tasks are enqueued from now on.


def owner() -> str | None:
    return OWNERS[-1] if OWNERS else None


class Quoting(Exception):
    """Quotes whatever it is made of, as clients of databases and of HTTP do."""

    def __str__(self) -> str:
        return f"refused: {self.args!r} {json.dumps(self.args[0])} {quote(str(self.args[0]))}"


def talks(context: Any, card: Any) -> None:
    """Report the argument as progress, and as the end of a message that is cut."""
    context.progress(0, 9, f"charging {card}")
    context.progress(9, 9, f"{'x' * 190} {card}")


@task(takes_context=True, sensitive="card")
def succeeds(context, card):
    talks(context, card)
    return "done"


@task(takes_context=True, sensitive="card")
def fails(context, card):
    talks(context, card)
    raise Quoting(card)


@task(takes_context=True, sensitive="card")
async def fails_async(context, card):
    await asyncio.sleep(0)
    raise Quoting(card)


@task(sensitive="card")
def fails_chained(card):
    error = RuntimeError("no payment")
    error.add_note(f"It was {card!r}")
    try:
        raise ValueError(card)
    except ValueError as exc:
        raise ExceptionGroup("several", [error, KeyError(card), Quoting({"card": card})]) from exc


@task(sensitive="card")
def fails_far_along(card):
    raise ValueError("y" * 190 + str(card))


@task(takes_context=True, sensitive="card", max_attempts=2, backoff=0)
def fails_twice(context, card):
    talks(context, card)
    raise Quoting(card)


@task(sensitive="card", max_attempts=2, backoff=lambda attempt: -1)
def fails_with_a_broken_backoff(card):
    raise Quoting(card)


@task(sensitive="card", max_attempts=2, backoff=600)
def fails_and_waits(card):
    raise Quoting(card)


@task(sensitive="card", timeout=0.2)
def takes_too_long(card):
    try:
        raise Quoting(card)
    except Quoting:
        time.sleep(5)


@task(sensitive="card")
def returns_too_much(card):
    try:
        raise Quoting(card)
    except Quoting:
        return {card}  # No JSON.


@task(sensitive="card")
def dies(card):
    raise SystemExit(f"bye {card}")
