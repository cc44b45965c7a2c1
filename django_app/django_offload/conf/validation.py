"""What may stand in TASKS, and what is wrong with what does."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.tasks import DEFAULT_TASK_QUEUE_NAME
from django.utils.module_loading import import_string

from . import schedules

# The longest name a Lambda function may have is 64, a bucket's 63 characters:
# "-payloads-<12 digits>-<region, at most 14>" leaves 26, "-<queue>-worker" some for the queue.
STACK_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,24}[a-z0-9]")
# SQS allows 80 characters, but the queue's name is part of a function's name and of a salt.
QUEUE_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,29}")

OUTBOX = "django_offload.outbox"
# How AWS is called on the hot path: by a client of our own (the default), or by boto3.
CLIENTS = ("lean", "boto3")

DEFAULT_MAX_ATTEMPTS = 3
# Lambda runs a function for at most 15 minutes.
LONGEST_TIMEOUT = timedelta(seconds=900)
LONGEST_RESULT_TTL = timedelta(days=366)
# With 10 receives beyond, SQS's maxReceiveCount (1,000 at most) is far.
MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in TASKS, with what to do about it."""

    id: str
    text: str
    hint: str


def duration(value: float | timedelta) -> timedelta:
    """Return seconds or a timedelta as a timedelta. Raise ValueError if `value` is neither, or negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float, timedelta)):
        raise ValueError(f"{value!r} is neither a number of seconds nor a timedelta")
    result = value if isinstance(value, timedelta) else timedelta(seconds=value)
    if result < timedelta(0):
        raise ValueError(f"{value!r} is negative")
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """What TASKS says of one queue and the function that works on it."""

    timeout: timedelta = timedelta(seconds=300)  # Of one invocation.
    memory: int = 512  # MB.
    batch_size: int = 1  # Messages per invocation.
    batch_window: timedelta = timedelta(0)  # How long to wait for a batch to fill.
    max_concurrency: int = 10  # Invocations at a time.
    concurrency: int = 1  # Tasks at a time within one invocation.
    max_attempts: int = DEFAULT_MAX_ATTEMPTS  # Where the task names none.
    result_ttl: timedelta | None = None  # Where the task names none.


QUEUE_KEYS = tuple(field.name for field in fields(QueueOptions))
DURATIONS = {"timeout", "batch_window", "result_ttl"}
# Lowest and highest value of each number. Sources: quotas of Lambda (memory, timeout) and of
# event source mappings for SQS (MaximumConcurrency 2 to 1,000; a batch over 10 needs a window).
QUEUE_BOUNDS: Mapping[str, tuple[float, float]] = {
    "timeout": (1, LONGEST_TIMEOUT.total_seconds()),
    "memory": (128, 10_240),
    "batch_size": (1, 10_000),
    "batch_window": (0, 300),
    "max_concurrency": (2, 1_000),
    "concurrency": (1, 100),  # Each takes a thread.
    "max_attempts": (1, MOST_ATTEMPTS),
    "result_ttl": (1, LONGEST_RESULT_TTL.total_seconds()),
}


OPTION_KEYS = (
    "stack",
    "queues",
    "table",
    "bucket",
    "queue_urls",
    "functions",
    "modules",
    "history",
    "on_commit",
    "outbox",
    "schedules",
    "owner",
    "result_ttl",
    "client",
    "record_at_enqueue",
)


def find_problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong in TASKS[alias], without asking AWS."""
    given = params.get("OPTIONS", {})
    queue_names = list(params.get("QUEUES", [DEFAULT_TASK_QUEUE_NAME]))
    yield from _stack_problems(given.get("stack"))
    yield from _unknown(given, OPTION_KEYS, "OPTIONS")
    if not queue_names:
        yield Problem(
            "E003", "QUEUES is empty.", "Name every queue: each becomes a queue and a function in AWS."
        )
    for name in queue_names:
        if not isinstance(name, str) or not QUEUE_PATTERN.fullmatch(name):
            yield Problem(
                "E003",
                f"QUEUES names {name!r}, which cannot be part of the name of an AWS resource.",
                "Use at most 30 letters, digits, hyphens and underscores.",
            )
    for name, queue in given.get("queues", {}).items():
        if name not in queue_names:
            yield Problem(
                "E004",
                f"OPTIONS['queues'] describes '{name}', which QUEUES does not name.",
                "Add it to QUEUES.",
            )
        yield from _queue_problems(name, queue)
    yield from _value_problems(given)
    for text, hint in schedules.flaws(given.get("schedules", {})):
        yield Problem("E006", text, hint)
    yield from _record_problems(given, str(params.get("BACKEND", "")))


def _stack_problems(stack: object) -> Iterator[Problem]:
    if not isinstance(stack, str) or not STACK_PATTERN.fullmatch(stack):
        yield Problem(
            "E001",
            f"OPTIONS['stack'] is {stack!r}." if stack else "OPTIONS['stack'] is missing.",
            "Give the stack a name of 2 to 26 lower case letters, digits and hyphens that starts with a "
            "letter, such as 'shop-dev': the names of all its resources begin with it.",
        )


def _unknown(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> Iterator[Problem]:
    for key in given:
        if key not in known:
            yield Problem("E002", f"{where} has the unknown key '{key}'.", f"Known are: {', '.join(known)}.")


def _queue_problems(name: str, queue: Mapping[str, Any]) -> Iterator[Problem]:
    where = f"OPTIONS['queues']['{name}']"
    yield from _unknown(queue, QUEUE_KEYS, where)
    for key, value in queue.items():
        if key not in QUEUE_BOUNDS or (key == "result_ttl" and value is None):
            continue
        low, high = QUEUE_BOUNDS[key]
        number = value.total_seconds() if isinstance(value, timedelta) else value
        kinds = (int, float) if key in DURATIONS else int  # Of tasks, messages and megabytes: whole ones.
        if isinstance(number, bool) or not isinstance(number, kinds) or not low <= number <= high:
            yield Problem(
                "E005",
                f"{where}['{key}'] is {value!r}.",
                f"Give a number from {low:g} to {high:g} (durations: seconds).",
            )
    if queue.get("batch_size", 1) > 10 and duration(queue.get("batch_window", 0)) < timedelta(seconds=1):
        yield Problem(
            "E005", f"{where} has a batch_size over 10.", "AWS then wants a batch_window of 1 s or more."
        )


def _record_problems(given: Mapping[str, Any], backend: str) -> Iterator[Problem]:
    at_enqueue = given.get("record_at_enqueue", True)
    if not isinstance(at_enqueue, bool):
        yield Problem("E006", f"OPTIONS['record_at_enqueue'] is {at_enqueue!r}.", "Give True or False.")
    elif not at_enqueue and getattr(import_string(backend), "transport", "") == "lambda":
        yield Problem(
            "E006",
            "OPTIONS['record_at_enqueue'] is off, and Lambda invoked without a queue.",
            "Remove it, or use SQSBackend: Lambda soon gives a message up, only the record keeps its task.",
        )


def _value_problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    if given.get("client", CLIENTS[0]) not in CLIENTS:
        yield Problem(
            "E006", f"OPTIONS['client'] is {given['client']!r}.", f"Use one of: {', '.join(CLIENTS)}."
        )
    if not isinstance(given.get("history", False), bool):
        yield Problem("E006", f"OPTIONS['history'] is {given['history']!r}.", "Give True or False.")
    if given.get("outbox") and not any(app.startswith(OUTBOX) for app in settings.INSTALLED_APPS):
        yield Problem(
            "E006",
            "OPTIONS['outbox'] is on without its app.",
            f"Add '{OUTBOX}' to INSTALLED_APPS and migrate.",
        )
    if given.get("outbox") and not given.get("on_commit", True):
        yield Problem(
            "E006",
            "OPTIONS['outbox'] is on and 'on_commit' off.",
            "Remove 'on_commit': the outbox works at commits.",
        )
    if "result_ttl" in given:
        try:
            too_long = duration(given["result_ttl"]) > LONGEST_RESULT_TTL
        except (ValueError, OverflowError):
            too_long = True
        if too_long:
            yield Problem(
                "E006",
                f"OPTIONS['result_ttl'] is {given['result_ttl']!r}.",
                f"Give seconds or a timedelta, {LONGEST_RESULT_TTL.days} days at most.",
            )
    if isinstance(given.get("modules", ()), str):
        yield Problem("E006", "OPTIONS['modules'] is a text.", "Give a list of module names.")
