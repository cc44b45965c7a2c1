"""The options of a backend in TASKS, and the names of its AWS resources."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from ..exceptions import ConfigurationError
from ..logs.escaping import printable
from .plain_values import plain, reason, shown
from .queue_options import TROUBLE, QueueOptions, duration, parse_queue
from .schedules import Recurrence, parse
from .validation import (
    BUCKET_OF_STACK,
    CLIENTS,
    DEFAULT_ENQUEUES_PER_ATTEMPT,
    ERROR_TEXTS,
    HISTORIES,
    find_problems,
    queue_names,
)

logger = logging.getLogger("django_offload")

# Every record and row of the outbox has it, and an index of the table can't have an empty key.
MOST_ALIAS_CHARACTERS = 100
NO_ALIAS = "can't be part of a record."
ALIAS_HINT = f"Give a text of 1 to {MOST_ALIAS_CHARACTERS} characters."
# Returns the owner of the current request.
DEFAULT_OWNER = "django_offload.conf.request_owner.current_owner"

# The template sets these on every function, so that the function finds its resources without a call.

# The stack that the function belongs to.
ENV_STACK = "OFFLOAD_STACK"
# The name of the stack's bucket.
ENV_BUCKET = "OFFLOAD_BUCKET"
# The URL of each queue as JSON, by the queue's name.
ENV_QUEUE_URLS = "OFFLOAD_QUEUE_URLS"
# The alias of the worker functions, if they have one.
ENV_ALIAS = "OFFLOAD_ALIAS"
# Where the secret value of each variable is stored, as JSON by the variable's name, and never the value.
ENV_SECRETS = "OFFLOAD_SECRETS"
# Names the versions of the secrets, because Lambda publishes a new version only if the function changed.
ENV_RELEASE = "OFFLOAD_RELEASE"
# The value `update` if the function's role has no permission for any other write to DynamoDB.
ENV_WRITES = "OFFLOAD_WRITES"
# How many shards of the sweeper's index the stack writes to, and how many it reads, as in `2/64`.
# `offload_deploy` reads it before it changes the shards or rolls back.
ENV_SHARDS = "OFFLOAD_SHARDS"
WRITES_BY_UPDATE = "update"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """TASKS[alias] of a backend of django-offload, with all defaults."""

    alias: str
    transport: str = "sqs"  # How messages travel: "sqs" or "lambda".
    # The prefix of all resource names in AWS: 2 to 26 lower case letters, digits and hyphens.
    stack: str
    # The options of each queue in QUEUES, by its name.
    queues: Mapping[str, QueueOptions]
    # The name of the DynamoDB table, by default `<stack>-tasks`.
    table: str
    # The name of the S3 bucket for large arguments and results, or None for no bucket.
    bucket: str | None = BUCKET_OF_STACK
    # The URL of each of the stack's own queues, by its name; a URL that is missing is looked up.
    queue_urls: Mapping[str, str] = field(default_factory=dict)
    # Names of functions other than `<stack>-<role>`, by role: `<queue>-worker`, `dead-letter`, `sweeper`,
    # `migrate`.
    functions: Mapping[str, str] = field(default_factory=dict)
    # Modules that define tasks, besides the module `tasks` of each app.
    modules: tuple[str, ...] = ()
    # Inside a transaction of the default database, send a task only after the commit.
    on_commit: bool = True
    # Inside a transaction, keep the task in your database until it is sent.
    outbox: bool = False
    # Tasks that AWS enqueues again and again, by name.
    schedules: Mapping[str, Recurrence] = field(default_factory=dict)
    # Also list successful tasks on the board, which costs one more write unit a task. With "sharded" the list
    # takes 1,000 tasks a second in each shard, with True in each alias. "both" is the step between them.
    history: bool | str = False
    # The path of a function that returns the owner of a new task, or None. With None, the child of a task
    # inherits its owner.
    owner: str = DEFAULT_OWNER
    # Whose share of a fair queue a new task counts as: "owner", or the path of a function that returns the
    # tenant, or None for no tenant. With None, the child of a task inherits its tenant.
    tenant: str | None = None
    # How long a result can be read, in seconds or as a timedelta, up to 366 days.
    result_ttl: timedelta = timedelta(days=14)
    # How many tasks one attempt of a task may enqueue one by one, without enqueue_many(); None is no limit.
    enqueues_per_attempt: int | None = DEFAULT_ENQUEUES_PER_ATTEMPT
    # How many tasks may descend in all from one that no task enqueued; None, the default, counts none.
    # Counting costs a write each time a task enqueues.
    enqueues_per_root: int | None = None
    # How AWS is called where speed counts: by our own client "lean", or by "boto3".
    client: str = CLIENTS[0]
    # Write the record when a task is enqueued; if False, the first claim creates it.
    record_at_enqueue: bool = True
    # Who reads the text of an exception besides staff: the "owner" of the task, or with "class" nobody.
    error_text: str = ERROR_TEXTS[0]
    # Where tasks go that a test enqueues: "memory", the default, keeps them here; "send" sends them.
    in_tests: str | None = None
    # Whether a process with DEBUG on may call AWS if no `offload_local` runs.
    aws_in_debug: bool = False
    # Over how many shards of the sweeper's index writes spread, 1 to 64. Each takes 1,000 writes a second.
    shards: int = 2

    @classmethod
    def parse(cls, alias: str, params: Mapping[str, Any]) -> "Options":
        """Return the options of TASKS[alias]. Raise ConfigurationError on the first problem."""
        params = plain(params)
        if not is_alias(alias):
            raise ConfigurationError(alias, f"The alias {shown(alias)} {NO_ALIAS}", ALIAS_HINT)
        for problem in find_problems(params):
            raise ConfigurationError(alias, problem.text, problem.hint)
        options = dict(params["OPTIONS"])
        stack = options.pop("stack")
        queue_options = options.pop("queues", {})
        options["modules"] = tuple(options.get("modules", ()))
        options["schedules"] = parse(options.get("schedules", {}))
        if "result_ttl" in options:
            options["result_ttl"] = duration(options["result_ttl"])
        queues: dict[str, QueueOptions] = {}
        for name in queue_names(params):
            queues[name] = parse_queue(queue_options.get(name, {}))
        return cls(
            alias=alias,
            transport=import_string(params["BACKEND"]).transport,
            stack=stack,
            queues=queues,
            table=options.pop("table", f"{stack}-tasks"),
            **options,
        )

    def queue(self, queue_name: str) -> str:
        """Return the name in SQS of a queue in QUEUES."""
        return f"{self.stack}-{queue_name}"

    def dead_letter_queue(self, queue_name: str) -> str:
        return f"{self.stack}-{queue_name}-dead"

    def function(self, role: str) -> str:
        """Return the name in Lambda of a role: "<queue>-worker", "dead-letter" or "sweeper"."""
        return self.functions.get(role, f"{self.stack}-{role}")

    def worker_function(self, queue_name: str) -> str:
        return self.function(f"{queue_name}-worker")

    def invoked_function(self, queue_name: str) -> str:
        """Return the name by which to invoke a worker, with its alias if the deployed stack has one."""
        alias = self.environment(ENV_ALIAS)
        return self.worker_function(queue_name) + (f":{alias}" if alias else "")

    def environment(self, key: str) -> str | None:
        """Return a variable of the deployed stack, or None if this process doesn't run in that stack."""
        return os.environ.get(key) if os.environ.get(ENV_STACK) == self.stack else None

    def scope(self, queue_name: str) -> str:
        """Return the scope that messages for this queue are signed for."""
        return f"{self.stack}:{queue_name}"

    def is_indexed(self, queue_name: str) -> bool:
        """Return True if the sweeper's index has all tasks of a queue, False if only those in trouble."""
        queue = self.queues.get(queue_name)
        return queue is None or queue.index != TROUBLE

    @property
    def sharded_history(self) -> bool:
        """Return True if new records belong to the index that lists each alias in many shards."""
        return self.history in HISTORIES

    def ttl(self, queue_name: str) -> timedelta:
        """Return how long results on a queue can be read."""
        queue = self.queues.get(queue_name)
        return (queue.result_ttl if queue else None) or self.result_ttl


def signing_keys() -> list[str]:
    """Return SECRET_KEY, which signs messages, and its fallbacks, which only verify them."""
    return [str(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


@lru_cache(maxsize=1)
def configured() -> Mapping[str, Options]:
    """
    Return the options of each alias in TASKS that has a backend of django-offload.

    An alias whose backend can't be imported is left out, so that it doesn't stop the others, and an ERROR
    in the log names it.
    """
    for alias, problem in broken_entries().items():
        logger.error("TASKS[%s] can't be used: %s Run manage.py check.", shown(alias), problem)
    tasks = tasks_setting()
    return {
        alias: Options.parse(alias, tasks[alias])
        for alias, backend in backend_classes().items()
        if getattr(backend, "is_offload", False)
    }


def backend_classes() -> dict[str, Any]:
    """Return the backend of each alias in TASKS, without the aliases whose backend can't be imported."""
    return {alias: found for alias, found in entries() if not isinstance(found, BaseException)}


def broken_entries() -> dict[str, str]:
    """Return what is wrong with each alias in TASKS whose backend can't be imported."""
    tasks = tasks_setting()
    return {
        alias: import_problem(tasks[alias], found)
        for alias, found in entries()
        if isinstance(found, BaseException)
    }


def tasks_setting() -> dict[str, Any]:
    """
    Return TASKS, or nothing if it isn't a dictionary. Raise what reading it raises.

    A project may put a class of its own there, whose methods aren't used if it extends dict.
    """
    tasks: object = settings.TASKS
    kind = type(tasks)
    if issubclass(kind, dict):
        return dict(dict.items(tasks))  # type: ignore[arg-type]
    return dict(tasks) if issubclass(kind, Mapping) else {}  # type: ignore[call-overload]


def entries() -> Iterator[tuple[str, Any]]:
    """Yield each alias in TASKS with its backend, or with the exception that its import raised."""
    for alias, params in tasks_setting().items():
        try:
            if not is_alias(alias):
                raise BadAlias
            found = import_string(plain(params)["BACKEND"])
        except (Exception, SystemExit) as exc:  # noqa: BLE001, a module may raise anything at its import
            found = exc
        yield alias, found


class BadAlias(Exception):
    """An alias isn't text, or no record could contain it."""


def is_alias(alias: object) -> bool:
    text = plain(alias)
    return isinstance(text, str) and 0 < len(text) <= MOST_ALIAS_CHARACTERS and printable(text) == text


def import_problem(params: object, exc: BaseException) -> str:
    """Return why an entry of TASKS has no backend, as a sentence."""
    params = plain(params)
    if isinstance(exc, BadAlias):
        return f"Its alias {NO_ALIAS} {ALIAS_HINT}"
    if not isinstance(params, Mapping):
        return f"It is {shown(params)} instead of a dictionary."
    if "BACKEND" not in params:
        return "It has no BACKEND."
    return f"Its BACKEND {shown(params['BACKEND'])} can't be imported ({reason(exc)})."


def options_by_alias() -> Mapping[str, Options]:
    """Return the options of each valid alias of this library. A check reports the others."""
    options: dict[str, Options] = {}
    with suppress(Exception):  # TASKS itself can't be read.
        tasks = tasks_setting()
        for alias, backend in backend_classes().items():
            if getattr(backend, "is_offload", False):
                with suppress(ConfigurationError):
                    options[alias] = Options.parse(alias, tasks[alias])
    return options


def options_for(alias: str, near: Options) -> Options:
    """Return the options of an alias, or `near` if TASKS no longer has this alias in the same stack."""
    options = configured().get(alias)
    return options if options is not None and options.stack == near.stack else near


def stacks() -> list[Options]:
    """Return the options of one backend per stack in TASKS."""
    return list({options.stack: options for options in configured().values()}.values())


@receiver(setting_changed)
def clear_configured(*, setting: str, **kwargs: object) -> None:
    if setting == "TASKS":
        configured.cache_clear()
