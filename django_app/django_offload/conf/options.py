"""What TASKS says: options parsed once, the names of AWS resources, and what is wrong with either."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.tasks import DEFAULT_TASK_QUEUE_NAME
from django.utils.module_loading import import_string

from ..exceptions import ConfigurationError
from .schedules import Recurrence, parse
from .validation import (
    CLIENTS,
    DEFAULT_MAX_ATTEMPTS,
    DURATIONS,
    LONGEST_RESULT_TTL,
    LONGEST_TIMEOUT,
    MOST_ATTEMPTS,
    OPTION_KEYS,
    OUTBOX,
    QUEUE_KEYS,
    QueueOptions,
    duration,
    find_problems,
)

__all__ = [
    "BUCKET_OF_STACK",
    "CLIENTS",
    "DEFAULT_MAX_ATTEMPTS",
    "LONGEST_RESULT_TTL",
    "LONGEST_TIMEOUT",
    "MOST_ATTEMPTS",
    "OPTION_KEYS",
    "OUTBOX",
    "QUEUE_KEYS",
    "Options",
    "QueueOptions",
    "configured",
    "duration",
    "find_problems",
    "options_for",
    "secrets",
    "stacks",
]

# Asked for whose request is being answered.
DEFAULT_OWNER = "django_offload.conf.request_owner.current_owner"
BUCKET_OF_STACK = "<stack>-payloads-<account>-<region>"

# Set by the template on every function, so that no call is made to find a name.
ENV_STACK = "OFFLOAD_STACK"
ENV_BUCKET = "OFFLOAD_BUCKET"
ENV_QUEUE_URLS = "OFFLOAD_QUEUE_URLS"
# The alias of the worker functions, where they have one.
ENV_ALIAS = "OFFLOAD_ALIAS"
# JSON: by the name of a variable, where its secret value lies; never the value.
ENV_SECRETS = "OFFLOAD_SECRETS"
# Names the secrets' versions: Lambda publishes no version of a function of which nothing else changed.
ENV_RELEASE = "OFFLOAD_RELEASE"
# Set to WRITES_BY_UPDATE where the role has no other action for writes.
ENV_WRITES = "OFFLOAD_WRITES"
WRITES_BY_UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    schedules: Mapping[str, Recurrence] = field(default_factory=dict)  # Recurring tasks, by name.
    history: bool = False  # With it, the board lists every task, for one write unit more of each.
    owner: str = DEFAULT_OWNER
    result_ttl: timedelta = timedelta(days=14)
    client: str = CLIENTS[0]
    record_at_enqueue: bool = True  # Without it, the first claim makes the record.

    @classmethod
    def parse(cls, alias: str, params: Mapping[str, Any]) -> "Options":
        """Return the options of TASKS[alias]. Raise ConfigurationError on the first thing wrong."""
        for problem in find_problems(params):
            raise ConfigurationError(alias, problem.text, problem.hint)
        given = dict(params["OPTIONS"])
        stack = given.pop("stack")
        overrides = given.pop("queues", {})
        names = list(params.get("QUEUES", [DEFAULT_TASK_QUEUE_NAME]))
        given["modules"] = tuple(given.get("modules", ()))
        given["schedules"] = parse(given.get("schedules", {}))
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


def _queue_options(given: Mapping[str, Any]) -> QueueOptions:
    parsed: dict[str, Any] = {
        key: duration(value) if key in DURATIONS and value is not None else value
        for key, value in given.items()
    }
    return QueueOptions(**parsed)


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


def options_for(alias: str, near: Options) -> Options:
    """Return the options of an alias, or `near` if TASKS has no such alias of the same stack any more."""
    options = configured().get(alias)
    return options if options is not None and options.stack == near.stack else near


def stacks() -> list[Options]:
    """Return, for every stack of TASKS, the options of one of its backends."""
    return list({options.stack: options for options in configured().values()}.values())


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: object) -> None:
    if setting == "TASKS":
        configured.cache_clear()
