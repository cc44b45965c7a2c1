"""The validation of TASKS: the allowed keys and values, and the problems of an entry."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from ..compat import DEFAULT_TASK_QUEUE_NAME
from .schedules import schedule_problems

# The name of a Lambda function has at most 64 characters, that of a bucket 63. The suffix of a bucket,
# "-payloads-<12 digits>-<region of at most 14>", leaves 26, and a function "<stack>-<queue>-worker" fits too.
STACK_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,24}[a-z0-9]")
# SQS allows 80 characters, but the queue's name is also part of a function's name and of a salt.
QUEUE_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,29}")

OUTBOX = "django_offload.outbox"
# The client for frequent calls to AWS: django-offload's own (the default), or boto3.
CLIENTS = ("lean", "boto3")
# Who reads the text of an exception besides staff: the task's owner (the default), or nobody.
ERROR_TEXTS = ("owner", "class")
# Where tasks go that tests enqueue: into the memory of the process (the default), or to AWS.
MEMORY = "memory"
IN_TESTS = (MEMORY, "send")

DEFAULT_MAX_ATTEMPTS = 3
# Lambda runs a function for at most 15 minutes.
LONGEST_TIMEOUT = timedelta(seconds=900)
LONGEST_RESULT_TTL = timedelta(days=366)
# The queue allows 10 more receives than this, far below the limit of SQS's maxReceiveCount (1,000).
MOST_ATTEMPTS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in TASKS: the id of its check, what is wrong, and what to do."""

    id: str
    text: str
    hint: str


def duration(value: float | timedelta) -> timedelta:
    """Return seconds or a timedelta as a timedelta. Raise ValueError if `value` is neither or is negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float, timedelta)):
        raise ValueError(f"{value!r} is neither a number of seconds nor a timedelta")
    result = value if isinstance(value, timedelta) else timedelta(seconds=value)
    if result < timedelta(0):
        raise ValueError(f"{value!r} is negative")
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """The options of one queue, and of the function that works on it."""

    # How long one invocation of its worker may take.
    timeout: timedelta = timedelta(seconds=300)
    # The worker's memory in MB; Lambda gives it processor time in proportion.
    memory: int = 512
    # How many messages one invocation receives; more than 10 need a `batch_window` of at least 1 s.
    batch_size: int = 1
    # How long AWS waits for a batch to fill.
    batch_window: timedelta = timedelta(0)
    # How many invocations run at the same time.
    max_concurrency: int = 10
    # How many tasks of a batch one invocation runs at the same time.
    concurrency: int = 1
    # How often a task whose worker dies is started in all, if the task itself doesn't say.
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    # How long results of its tasks can be read, if the task itself doesn't say; None means the stack's.
    result_ttl: timedelta | None = None


QUEUE_KEYS = tuple(field.name for field in fields(QueueOptions))
DURATIONS = {"timeout", "batch_window", "result_ttl"}
# The lowest and the highest value of each number. Sources: quotas of Lambda (memory, timeout) and of
# event source mappings for SQS (MaximumConcurrency 2 to 1,000; a batch over 10 needs a window).
QUEUE_BOUNDS: Mapping[str, tuple[float, float]] = {
    "timeout": (1, LONGEST_TIMEOUT.total_seconds()),
    "memory": (128, 10_240),
    "batch_size": (1, 10_000),
    "batch_window": (0, 300),
    "max_concurrency": (2, 1_000),
    "concurrency": (1, 100),  # Each task takes a thread.
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
    "error_text",
    "in_tests",
    "aws_in_debug",
)


def find_problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield each problem in TASKS[alias], without a call to AWS."""
    options = params.get("OPTIONS", {})
    queue_names = list(params.get("QUEUES", [DEFAULT_TASK_QUEUE_NAME]))
    stack = options.get("stack")
    if not isinstance(stack, str) or not STACK_PATTERN.fullmatch(stack):
        yield Problem(
            "E001",
            f"OPTIONS['stack'] is {stack!r}." if stack else "OPTIONS['stack'] is missing.",
            "Give the stack a name of 2 to 26 lower case letters, digits and hyphens that starts with a "
            "letter, such as 'shop-dev'. The names of all its resources begin with it.",
        )
    yield from unknown_keys(options, OPTION_KEYS, "OPTIONS")
    if not queue_names:
        yield Problem(
            "E003", "QUEUES is empty.", "Name each queue. It becomes a queue and a function in AWS."
        )
    for name in queue_names:
        if not isinstance(name, str) or not QUEUE_PATTERN.fullmatch(name):
            yield Problem(
                "E003",
                f"QUEUES contains {name!r}, which can't be part of the name of an AWS resource.",
                "Use at most 30 letters, digits, hyphens and underscores.",
            )
    for first, second in colliding_queues(queue_names):
        yield Problem(
            "E003",
            f"QUEUES contains {first!r} and {second!r}, which would be one resource in AWS.",
            "Rename one of them: hyphens and underscores don't count, and '-dead' ends a dead-letter queue.",
        )
    for name, queue in options.get("queues", {}).items():
        if name not in queue_names:
            yield Problem(
                "E004",
                f"OPTIONS['queues'] has options for '{name}', which isn't in QUEUES.",
                "Add it to QUEUES.",
            )
        yield from queue_problems(f"OPTIONS['queues']['{name}']", queue)
    for text, hint in option_problems(options, str(params.get("BACKEND", ""))):
        # A value in OPTIONS is wrong, or contradicts another one.
        yield Problem("E006", text, hint)


def logical_name(name: str) -> str:
    """Return the name of a queue or function as part of a logical id, which has only letters and digits."""
    return "".join(part[:1].upper() + part[1:] for part in re.split("[-_]", name))


def resource_names(queue_name: str) -> tuple[str, ...]:
    """Return the names that a queue's resources have in the stack, without the stack's own."""
    return f"logical id {logical_name(queue_name)}", queue_name, f"{queue_name}-dead"


def colliding_queues(queue_names: Iterable[object]) -> Iterator[tuple[str, str]]:
    """Yield each two queues that would share a resource of the stack."""
    # The stack has a queue of its own, for the events that no function accepted.
    owners = {"failed-events": "failed-events (the stack's own)"}
    for name in dict.fromkeys(name for name in queue_names if isinstance(name, str)):
        others = {owners.setdefault(resource, name) for resource in resource_names(name)} - {name}
        for other in sorted(others):
            yield other, name


def unknown_keys(options: Mapping[str, Any], keys: tuple[str, ...], where: str) -> Iterator[Problem]:
    for key in options:
        if key not in keys:
            yield Problem(
                "E002", f"{where} has the unknown key '{key}'.", f"The keys are: {', '.join(keys)}."
            )


def queue_problems(where: str, queue: Mapping[str, Any]) -> Iterator[Problem]:
    yield from unknown_keys(queue, QUEUE_KEYS, where)
    for key, value in queue.items():
        if key not in QUEUE_BOUNDS or (key == "result_ttl" and value is None):
            continue
        low, high = QUEUE_BOUNDS[key]
        number = value.total_seconds() if isinstance(value, timedelta) else value
        types = (int, float) if key in DURATIONS else int
        if isinstance(number, bool) or not isinstance(number, types) or not low <= number <= high:
            yield Problem(
                "E005",
                f"{where}['{key}'] is {value!r}.",
                f"Give a number from {low:g} to {high:g}. Durations are in seconds.",
            )
    if queue.get("batch_size", 1) > 10 and duration(queue.get("batch_window", 0)) < timedelta(seconds=1):
        yield Problem(
            "E005",
            f"{where} has a batch_size over 10 without a batch_window.",
            "Set batch_window to 1 s or more, because AWS requires it.",
        )


def option_problems(options: Mapping[str, Any], backend: str) -> Iterator[tuple[str, str]]:
    """Yield each problem in the values of OPTIONS as a text and a hint."""
    for key, choices in (("client", CLIENTS), ("error_text", ERROR_TEXTS), ("in_tests", IN_TESTS)):
        if options.get(key, choices[0]) not in choices:
            yield f"OPTIONS['{key}'] is {options[key]!r}.", f"Use one of: {', '.join(choices)}."
    for key in ("history", "aws_in_debug"):
        if not isinstance(options.get(key, False), bool):
            yield f"OPTIONS['{key}'] is {options[key]!r}.", "Give True or False."
    if options.get("outbox") and not any(app.startswith(OUTBOX) for app in settings.INSTALLED_APPS):
        yield (
            "OPTIONS['outbox'] is on, but its app is missing.",
            f"Add '{OUTBOX}' to INSTALLED_APPS and run migrate.",
        )
    if options.get("outbox") and not options.get("on_commit", True):
        yield (
            "OPTIONS['outbox'] is on, but 'on_commit' is off.",
            "Remove 'on_commit', because the outbox sends tasks at the commit.",
        )
    if "result_ttl" in options:
        try:
            too_long = duration(options["result_ttl"]) > LONGEST_RESULT_TTL
        except (ValueError, OverflowError):
            too_long = True
        if too_long:
            yield (
                f"OPTIONS['result_ttl'] is {options['result_ttl']!r}.",
                f"Give seconds or a timedelta of at most {LONGEST_RESULT_TTL.days} days.",
            )
    if isinstance(options.get("modules", ()), str):
        yield "OPTIONS['modules'] is a string.", "Give a list of module names."
    yield from schedule_problems(options.get("schedules", {}))
    record_at_enqueue = options.get("record_at_enqueue", True)
    if not isinstance(record_at_enqueue, bool):
        yield f"OPTIONS['record_at_enqueue'] is {record_at_enqueue!r}.", "Give True or False."
    elif not record_at_enqueue and getattr(import_string(backend), "transport", "") == "lambda":
        yield (
            "OPTIONS['record_at_enqueue'] is off, but LambdaBackend needs the record.",
            "Remove the option, or use SQSBackend. Lambda soon discards messages, so tasks need a record.",
        )
