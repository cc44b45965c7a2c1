"""The validation of TASKS: the allowed keys and values, and the problems of an entry."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from ..compat import DEFAULT_TASK_QUEUE_NAME
from ..logs.escaping import printable
from . import aws_limits
from .plain_values import plain, shortened, shown
from .queue_options import LONGEST_RESULT_TTL, QUEUE_KEYS, TROUBLE, duration, queue_problems
from .schedules import schedule_problems

# The name of a Lambda function has at most 64 characters, that of a bucket 63. The suffix of a bucket,
# "-payloads-<12 digits>-<region of at most 14>", leaves 26, and a function "<stack>-<queue>-worker" fits too.
STACK_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,24}[a-z0-9]")
# SQS allows 80 characters, but the queue's name is also part of a function's name and of a salt.
QUEUE_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,29}")
# The names that AWS allows, and the length of each.
_TABLE, _BUCKET = ("{},{}".format(*name) for name in (aws_limits.TABLE_NAME, aws_limits.BUCKET_NAME))
TABLE_PATTERN = re.compile(f"[A-Za-z0-9_.-]{{{_TABLE}}}")
BUCKET_PATTERN = re.compile(rf"(?=.{{{_BUCKET}}}\Z)[a-z0-9][a-z0-9.-]*[a-z0-9]")
FUNCTION_PATTERN = re.compile(f"[A-Za-z0-9_-]{{1,{aws_limits.FUNCTION_NAME}}}")
DOTTED_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
# Of OPTIONS["tenant"], besides None and a dotted path.
OWNER_AS_TENANT = "owner"
# The functions that each stack has besides the workers.
ROLES = ("dead-letter", "sweeper", "migrate")

OUTBOX = "django_offload.outbox"
# The client for frequent calls to AWS: django-offload's own (the default), or boto3.
CLIENTS = ("lean", "boto3")
# Who reads the text of an exception besides staff: the task's owner (the default), or nobody.
ERROR_TEXTS = ("owner", "class")
# Where tasks go that tests enqueue: into the memory of the process (the default), or to AWS.
MEMORY = "memory"
IN_TESTS = (MEMORY, "send")

# A loop that enqueues more in one attempt has no end, or should be one enqueue_many().
DEFAULT_ENQUEUES_PER_ATTEMPT = 10_000
MOST_ENQUEUES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in TASKS: the id of its check, what is wrong, and what to do."""

    id: str
    text: str
    hint: str


# The options that are on or off.
FLAGS = ("on_commit", "outbox", "record_at_enqueue", "aws_in_debug")
HISTORIES = ("both", "sharded")  # Of OPTIONS["history"], besides True and False.
# The options that limit how much tasks enqueue.
LIMITS = ("enqueues_per_attempt", "enqueues_per_root")
SHARDS = range(1, 65)  # Of the sweeper's index, in each band; readers ask them all.
URL = re.compile(r"https?://[^\s/]+/\S+")
BUCKET_OF_STACK = "<stack>-payloads-<account>-<region>"

OPTION_KEYS = (
    *("stack", "queues", "table", "bucket", "queue_urls", "functions", "modules", "history"),
    *("on_commit", "outbox", "schedules", "owner", "result_ttl", "enqueues_per_attempt", "enqueues_per_root"),
    *("client", "record_at_enqueue", "error_text", "in_tests", "aws_in_debug", "shards", "tenant"),
)


def find_problems(params: object) -> Iterator[Problem]:
    """
    Yield each problem in TASKS[alias], without a call to AWS and without importing what it names.

    Accept any value anywhere, because a mistake in the settings must not stop the checks that report it.
    """
    params = plain(params)
    options = params.get("OPTIONS", {}) if isinstance(params, Mapping) else None
    if isinstance(params, Mapping):
        yield from queue_name_problems(params)
    if isinstance(params, Mapping) and isinstance(options, Mapping):
        stack = options.get("stack")
        if not isinstance(stack, str) or not STACK_PATTERN.fullmatch(stack):
            is_missing = stack is None or stack == ""
            yield Problem(
                "E001",
                f"OPTIONS['stack'] is {shown(stack)}." if not is_missing else "OPTIONS['stack'] is missing.",
                "Give the stack a name of 2 to 26 lower case letters, digits and hyphens that starts with a "
                "letter, such as 'shop-dev'. The names of all its resources begin with it.",
            )
        yield from unknown_keys(options, OPTION_KEYS, "OPTIONS")
        queues = options.get("queues", {})
        if isinstance(queues, Mapping):
            yield from queues_problems(queues, queue_names(params))
            if TROUBLE in [queue.get("index") for queue in queues.values() if isinstance(queue, Mapping)]:
                from .index_option import index_problems  # Imported here, because few queues have the option.

                yield from index_problems(queues, options, transport_of(params))
    for text, hint in option_problems(options, params):
        # A value in OPTIONS is wrong, or contradicts another one.
        yield Problem("E006", printable(text), printable(hint))


def queue_names(params: Mapping[str, Any]) -> list[Any]:
    """Return the names in QUEUES, or none if it isn't a list."""
    names = params.get("QUEUES", [DEFAULT_TASK_QUEUE_NAME])
    return list(names) if is_list(names) else []


def queue_name_problems(params: Mapping[str, Any]) -> Iterator[Problem]:
    if not is_list(params.get("QUEUES", [])):
        yield Problem("E003", f"QUEUES is {shown(params['QUEUES'])}.", "Give a list of names.")
    elif not queue_names(params):
        yield Problem(
            "E003", "QUEUES is empty.", "Name each queue. It becomes a queue and a function in AWS."
        )
    for name in queue_names(params):
        if not isinstance(name, str) or not QUEUE_PATTERN.fullmatch(name):
            yield Problem(
                "E003",
                f"QUEUES contains {shown(name)}, which can't be part of the name of an AWS resource.",
                "Use at most 30 letters, digits, hyphens and underscores.",
            )
    for first, second in colliding_queues(queue_names(params)):
        yield Problem(
            "E003",
            f"QUEUES contains {shown(first)} and {shown(second)}, which would be one resource in AWS.",
            COLLISION_HINT,
        )


COLLISION_HINT = (
    "Rename one of them: hyphens and underscores don't count, and AWS has other resources with '-dead' and "
    "'-policy' at their end."
)


def logical_name(name: str) -> str:
    """Return the name of a queue or function as part of a logical id, which has only letters and digits."""
    return "".join(part[:1].upper() + part[1:] for part in re.split("[-_]", name))


def resource_names(queue_name: str) -> tuple[str, ...]:
    """Return the names that a queue's resources have in the stack, without the stack's own."""
    logical = f"logical id {logical_name(queue_name)}"  # CloudFormation's, of the queue and of its policy.
    return logical, f"{logical}Policy", queue_name, f"{queue_name}-dead"


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
                "E002", f"{where} has the unknown key {shown(key)}.", f"The keys are: {', '.join(keys)}."
            )


def queues_problems(queues: Mapping[str, Any], names: list[Any]) -> Iterator[Problem]:
    for name, queue in queues.items():
        where = f"OPTIONS['queues'][{shown(name)}]"
        if name not in names:
            yield Problem(
                "E004",
                f"OPTIONS['queues'] has options for {shown(name)}, which isn't in QUEUES.",
                "Add it to QUEUES.",
            )
        if isinstance(queue, Mapping):
            yield from unknown_keys(queue, QUEUE_KEYS, where)
        for text, hint in queue_problems(where, queue):
            # An option of a queue is wrong, or contradicts another one.
            yield Problem("E005", text, hint)


def option_problems(options: object, params: object) -> Iterator[tuple[str, str]]:
    """Yield each problem in the values of OPTIONS as a text and a hint: types first, then their meaning."""
    if not isinstance(params, Mapping):
        yield f"It is {shown(params)}.", "Give a dictionary with 'BACKEND', 'QUEUES' and 'OPTIONS'."
        return
    if not isinstance(options, Mapping):
        yield f"OPTIONS is {shown(options)}.", "Give a dictionary with at least a 'stack'."
        return
    wrong: set[str] = set()
    for key, text, hint in value_problems(options, queue_names(params)):
        wrong.add(key)
        yield text, hint
    yield from schedule_problems(options.get("schedules", {}))
    if options.get("outbox") is True and not any(app.startswith(OUTBOX) for app in settings.INSTALLED_APPS):
        yield (
            "OPTIONS['outbox'] is on, but its app is missing.",
            f"Add '{OUTBOX}' to INSTALLED_APPS and run migrate.",
        )
    if options.get("outbox") is True and options.get("on_commit") is False:
        yield (
            "OPTIONS['outbox'] is on, but 'on_commit' is off.",
            "Remove 'on_commit', because the outbox sends tasks at the commit.",
        )
    if options.get("record_at_enqueue") is False and transport_of(params) == "lambda":
        yield (
            "OPTIONS['record_at_enqueue'] is off, but LambdaBackend needs the record.",
            "Remove the option, or use SQSBackend. Lambda soon discards messages, so tasks need a record.",
        )
    if "queue_urls" in options and "queue_urls" not in wrong and isinstance(options.get("stack"), str):
        yield from queue_url_problems(options, queue_names(params))


def value_problems(options: Mapping[str, Any], names: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the key of each value that has the wrong type or form, with a text and a hint."""
    dotted_path = "Give a dotted path, such as 'shop.owners.team'."
    rules: list[tuple[Iterable[str], Any, str]] = [
        (FLAGS, lambda value: isinstance(value, bool), "Give True or False."),
        *(
            ([key], lambda value, choices=choices: value in choices, f"Use one of: {', '.join(choices)}.")
            for key, choices in (("client", CLIENTS), ("error_text", ERROR_TEXTS), ("in_tests", IN_TESTS))
        ),
        (
            ["queues"],
            lambda value: isinstance(value, Mapping),
            "Give a dictionary with the options of each queue, by its name.",
        ),
        (["owner"], lambda value: is_text(value, DOTTED_PATH), dotted_path),
        (
            ["tenant"],
            lambda value: value in (None, OWNER_AS_TENANT) or (is_text(value, DOTTED_PATH) and "." in value),
            "Give 'owner', a dotted path such as 'shop.tenants.current', or None.",
        ),
        (
            ["modules"],
            lambda value: is_list(value) and all(is_text(name, DOTTED_PATH) for name in value),
            "Give a list of module names.",
        ),
        (
            ["table"],
            lambda value: is_text(value, TABLE_PATTERN),
            "Give the name of a table: 3 to 255 letters, digits, hyphens, underscores and dots.",
        ),
        (
            ["bucket"],
            lambda value: value is None or value == BUCKET_OF_STACK or is_text(value, BUCKET_PATTERN),
            "Give the name of a bucket (3 to 63 lower case letters, digits, dots and hyphens), or None.",
        ),
        (
            ["functions"],
            lambda value: is_dictionary_of_texts(value, FUNCTION_PATTERN),
            "Give a dictionary with the name of each function (at most 64 letters, digits, hyphens and "
            "underscores), by its role.",
        ),
        (
            ["queue_urls"],
            lambda value: is_dictionary_of_texts(value, URL),
            "Give a dictionary with the URL of each queue, by the queue's name.",
        ),
        (
            ["result_ttl"],
            is_result_ttl,
            f"Give seconds or a timedelta of at least 1 second and at most {LONGEST_RESULT_TTL.days} days.",
        ),
        (LIMITS, is_limit, f"Give a whole number from 1 to {MOST_ENQUEUES:,}, or None for no limit."),
        (["history"], lambda n: type(n) is bool or n in HISTORIES, "Give False, True, 'both' or 'sharded'."),
        (["shards"], lambda n: type(n) is int and n in SHARDS, "Give a whole number from 1 to 64."),
    ]
    for keys, is_valid, hint in rules:
        for key in keys:
            if key in options and not is_valid(options[key]):
                yield key, f"OPTIONS['{key}'] is {shown(options[key])}.", hint
    yield from role_problems(options.get("functions"), names)


def role_problems(functions: object, names: list[Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each role in OPTIONS['functions'] that the stack doesn't have, as value_problems() does."""
    roles = [*(f"{name}-worker" for name in names if isinstance(name, str)), *ROLES]
    for role in functions if isinstance(functions, Mapping) else ():
        if role not in roles:
            text = f"OPTIONS['functions'] names {shown(role)}, which the stack doesn't have."
            yield "functions", text, f"The roles are: {', '.join(roles)}."


def queue_url_problems(options: Mapping[str, Any], names: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield each URL of another queue than the stack's, from which no worker would take a message."""
    for name, url in options["queue_urls"].items():
        if name not in names or not isinstance(name, str):
            yield f"OPTIONS['queue_urls'] names {shown(name)}, which isn't in QUEUES.", "Add it to QUEUES."
        elif url.rpartition("/")[2] != (expected := f"{options['stack']}-{name}"):
            yield (
                f"OPTIONS['queue_urls'][{shown(name)}] is {shown(url)}, but the stack's workers receive only "
                f"from the queue {shortened(expected)}.",
                f"Give the URL of {shortened(expected)}, or remove it: SQS is then asked for the URL.",
            )


def transport_of(params: Mapping[str, Any]) -> str:
    """Return how the backend of an entry sends, or an empty text if it can't be imported."""
    try:
        return str(getattr(import_string(params["BACKEND"]), "transport", ""))
    except (Exception, SystemExit):  # noqa: BLE001, check_backends() reports it
        return ""


def is_list(value: object) -> bool:
    """Return True for a list, a tuple or a set, which can be read more than once."""
    return issubclass(type(value), (list, tuple, set, frozenset))


def is_text(value: object, pattern: "re.Pattern[str]") -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def is_dictionary_of_texts(value: object, pattern: "re.Pattern[str]") -> bool:
    return isinstance(value, Mapping) and all(is_text(item, pattern) for item in value.values())


def is_result_ttl(value: object) -> bool:
    try:
        return timedelta(seconds=1) <= duration(value) <= LONGEST_RESULT_TTL  # type: ignore[arg-type]
    except ValueError:
        return False


def is_limit(value: object) -> bool:
    return value is None or (type(value) is int and 1 <= value <= MOST_ENQUEUES)
