"""What TASKS says: options parsed once, the names of AWS resources, and what is wrong with either."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.tasks import DEFAULT_TASK_QUEUE_NAME
from django.utils.module_loading import import_string

from .exceptions import ConfigurationError

# The longest name a Lambda function may have is 64, a bucket's 63 characters:
# "-payloads-<12 digits>-<region, at most 14>" leaves 26, "-<queue>-worker" some for the queue.
STACK_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,24}[a-z0-9]")
# SQS allows 80 characters, but the queue's name is part of a function's name and of a salt.
QUEUE_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,29}")
BUCKET_OF_STACK = "<stack>-payloads-<account>-<region>"

# Set by the template on every function, so that no call is made to find a name.
ENV_STACK = "OFFLOAD_STACK"
ENV_BUCKET = "OFFLOAD_BUCKET"
ENV_QUEUE_URLS = "OFFLOAD_QUEUE_URLS"
# The alias of the worker functions, where they have one.
ENV_ALIAS = "OFFLOAD_ALIAS"
# JSON: by the name of a variable, where its secret value lies; never the value.
ENV_SECRETS = "OFFLOAD_SECRETS"

OUTBOX = "django_offload.outbox"
# How AWS is called on the hot path: by boto3, or by a client of our own.
CLIENTS = ("boto3", "lean")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """TASKS[alias] of one of our backends, with every default filled in."""

    alias: str
    transport: str = "sqs"  # Or "lambda": how this backend's messages travel.
    stack: str  # Prefix of every resource name.
    queues: Mapping[str, QueueOptions]  # Every queue of QUEUES, by its name in Django.
    table: str
    bucket: str | None = BUCKET_OF_STACK  # None for no bucket.
    queue_urls: Mapping[str, str] = field(default_factory=dict)  # By queue name.
    functions: Mapping[str, str] = field(default_factory=dict)  # By what follows the stack's name.
    modules: tuple[str, ...] = ()  # Task modules beyond <app>.tasks.
    on_commit: bool = True
    outbox: bool = False
    owner: str = "django_offload.middleware.current_owner"
    result_ttl: timedelta = timedelta(days=14)
    client: str = CLIENTS[0]

    @classmethod
    def parse(cls, alias: str, params: Mapping[str, Any]) -> "Options":
        """Return the options of TASKS[alias]. Raise ConfigurationError on the first thing wrong."""
        for problem in problems(params):
            raise ConfigurationError(alias, problem.text, problem.hint)
        given = dict(params["OPTIONS"])
        stack = given.pop("stack")
        overrides = given.pop("queues", {})
        names = list(params.get("QUEUES", [DEFAULT_TASK_QUEUE_NAME]))
        given["modules"] = tuple(given.get("modules", ()))
        if "result_ttl" in given:
            given["result_ttl"] = duration(given["result_ttl"])
        return cls(
            alias=alias,
            transport=import_string(params["BACKEND"]).transport,
            stack=stack,
            queues={name: _queue_options(overrides.get(name, {})) for name in names},
            table=given.pop("table", f"{stack}-tasks"),
            **given,
        )

    def queue(self, queue_name: str) -> str:
        """Return the name in SQS of a queue of QUEUES."""
        return f"{self.stack}-{queue_name}"

    def dead_letter_queue(self, queue_name: str) -> str:
        return f"{self.stack}-{queue_name}-dead"

    def function(self, role: str) -> str:
        """Return the name in Lambda of `role`: "<queue>-worker", "dead-letter" or "sweeper"."""
        return self.functions.get(role, f"{self.stack}-{role}")

    def worker_function(self, queue_name: str) -> str:
        return self.function(f"{queue_name}-worker")

    def invoked_function(self, queue_name: str) -> str:
        """Return the same as it is invoked: by its alias, where the deployed stack has one."""
        alias = self.environment(ENV_ALIAS)
        return self.worker_function(queue_name) + (f":{alias}" if alias else "")

    def environment(self, key: str) -> str | None:
        """Return what the deployed stack says of itself, where this process runs in it."""
        return os.environ.get(key) if os.environ.get(ENV_STACK) == self.stack else None

    def scope(self, queue_name: str) -> str:
        """Return what a message for this queue is signed for."""
        return f"{self.stack}:{queue_name}"

    def ttl(self, queue_name: str) -> timedelta:
        """Return how long results on a queue can be read."""
        queue = self.queues.get(queue_name)
        return (queue.result_ttl if queue else None) or self.result_ttl


OPTION_KEYS = tuple(f.name for f in fields(Options) if f.name not in {"alias", "transport"})


def _queue_options(given: Mapping[str, Any]) -> QueueOptions:
    parsed: dict[str, Any] = {
        key: duration(value) if key in DURATIONS and value is not None else value
        for key, value in given.items()
    }
    return QueueOptions(**parsed)


def problems(params: Mapping[str, Any]) -> Iterator[Problem]:
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


def _value_problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    if given.get("client", CLIENTS[0]) not in CLIENTS:
        yield Problem(
            "E006", f"OPTIONS['client'] is {given['client']!r}.", f"Use one of: {', '.join(CLIENTS)}."
        )
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


def secrets() -> list[str]:
    """Return the secrets to sign (the first) and to verify messages with."""
    return [str(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


@lru_cache(maxsize=1)
def configured() -> Mapping[str, Options]:
    """Return the options of every alias in TASKS whose backend is one of ours."""
    return {
        alias: Options.parse(alias, params)
        for alias, params in settings.TASKS.items()
        if getattr(import_string(str(params["BACKEND"])), "is_offload", False)
    }


def stacks() -> list[Options]:
    """Return, for every stack of TASKS, the options of one of its backends."""
    return list({options.stack: options for options in configured().values()}.values())


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "TASKS":
        configured.cache_clear()
