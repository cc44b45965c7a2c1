"""Whatever stands in TASKS, the system checks report it with hints, and none of them raises."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.test import override_settings
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string
from hypothesis import example, given, settings
from hypothesis import strategies as st

from django_offload.apps import CHECKS
from django_offload.conf import Options, configured, find_problems
from django_offload.exceptions import ConfigurationError
from tests.unit.conf.settings_values import BACKEND, OBJECTS, Hostile, Minutes, Number, Text

SCHEDULE = {
    "task": "tests.unit.tasks.double",
    "when": "cron(0 3 * * ? *)",
    "timezone": "UTC",
    "args": [],
    "kwargs": {"number": 1},
}
# Every key that TASKS takes, each with a value of its type.
FULL: dict[str, Any] = {
    "default": {
        "BACKEND": BACKEND,
        "QUEUES": ["default", "reports"],
        "OPTIONS": {
            "stack": "shop-dev",
            "queues": {
                "reports": {
                    "timeout": 60,
                    "memory": 512,
                    "batch_size": 20,
                    "batch_window": 1,
                    "max_concurrency": 4,
                    "concurrency": 2,
                    "max_attempts": 3,
                    "result_ttl": 60,
                }
            },
            "table": "records",
            "bucket": "shop-bucket",
            "queue_urls": {"reports": "https://sqs.eu-west-1.amazonaws.com/1/shop-dev-reports"},
            "functions": {"sweeper": "mine"},
            "modules": ["tests.unit.tasks"],
            "history": True,
            "on_commit": True,
            "outbox": False,
            "schedules": {"nightly": SCHEDULE},
            "owner": "django_offload.conf.request_owner.current_owner",
            "result_ttl": 60,
            "enqueues_per_attempt": 10,
            "enqueues_per_root": None,
            "client": "lean",
            "record_at_enqueue": True,
            "error_text": "owner",
            "in_tests": "memory",
            "aws_in_debug": False,
        },
    },
    "other": {"BACKEND": "django_offload.backends.LambdaBackend", "OPTIONS": {"stack": "shop-web"}},
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
TEXTS = st.sampled_from(
    [
        *("", "no", "20", "0", BACKEND, "shop-dev", "tests.unit.tasks", "tests.unit.gone", "json.dumps"),
        *("json.gone", ".", "a..b", ".a", "cron(0 24 * * ? *)", "cron(* * * * * *)", "rate(5 minutes)"),
        *("\ud800", "\x00.a"),
    ]
)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | TEXTS, inner, max_size=3)
    ),
    max_leaves=5,
)


@dataclass(frozen=True)
class Place:
    """Stands for one of OBJECTS, which Hypothesis itself couldn't show."""

    number: int


def paths(value: Any) -> list[tuple[Any, ...]]:
    """Return the path of every value inside a value, and of the value itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *path) for key, inner in items for path in paths(inner))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def with_key(value: Any, path: tuple[Any, ...], key: Any) -> Any:
    """Return a copy with another key, or another value where there is a list."""
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    if isinstance(holder, list):
        return replaced(value, path, key)
    return replaced(value, path[:-1], {key if old == path[-1] else old: item for old, item in holder.items()})


def messages_of(tasks: Any) -> list[CheckMessage]:
    """Return what the checks of manage.py check say about TASKS."""
    with override_settings(TASKS=tasks):
        return [
            message
            for path, _, deploy in CHECKS
            if not deploy
            for message in import_string(f"django_offload.{path}")()
        ]


@settings(max_examples=1_000)
@given(path=st.sampled_from(paths(FULL)), value=VALUES | st.builds(Place, st.integers(0, len(OBJECTS) - 1)))
@example(path=("default", "OPTIONS", "queues", "reports", "batch_size"), value="20")
@example(path=("default", "OPTIONS", "queues"), value=[1])
@example(path=("default", "OPTIONS", "modules"), value=None)
@example(path=("default", "QUEUES", 0), value=None)
@example(path=("default", "QUEUES", 0), value={})
@example(path=("default", "OPTIONS", "on_commit"), value="no")
@example(path=("default", "OPTIONS", "queue_urls"), value=["https://q/1/shop-dev-default"])
@example(path=("default", "BACKEND"), value="shop.backends.Gone")
@example(path=("default",), value="\ud800")
@example(path=(), value=None)
def test_any_value_anywhere_gives_checks_with_hints(path: tuple[Any, ...], value: Any) -> None:
    if isinstance(value, Place):
        value = OBJECTS[value.number]
    check_messages(messages_of(replaced(FULL, path, value)))


@settings(max_examples=200)
@given(path=st.sampled_from(paths(FULL)[1:]), number=st.integers(0, len(OBJECTS) - 1))
def test_any_key_anywhere_gives_checks_with_hints(path: tuple[Any, ...], number: int) -> None:
    key = OBJECTS[number]
    try:
        hash(key)
    except Exception:  # noqa: BLE001, it can't be a key
        return
    check_messages(messages_of(with_key(FULL, path, key)))


def check_messages(messages: list[CheckMessage]) -> None:
    for message in messages:
        assert message.hint, message
        f"{message}".encode()  # Every terminal can print it.
        assert message.id.startswith("django_offload.")
        assert len(message.msg) < 2_500


@settings(max_examples=100)
@given(value=VALUES)
def test_an_entry_without_a_problem_can_be_parsed(value: Any) -> None:
    for path in paths(FULL["default"]["OPTIONS"]):
        params = replaced(FULL["default"], ("OPTIONS", *path), value)
        if not list(find_problems(params)):
            Options.parse("default", params)


def test_the_full_setting_is_valid() -> None:
    assert list(find_problems(FULL["default"])) == []
    assert json.loads(json.dumps(FULL)) == FULL


@pytest.mark.parametrize(
    ("path", "value", "check_id", "text"),
    [
        pytest.param(
            (),
            SimpleLazyObject(lambda: 1 / 0),
            "E007",
            "TASKS can't be read: ZeroDivisionError: division by",
            id="TASKS raises",
        ),
        pytest.param(
            ("default",),
            Hostile(),
            "E007",
            "TASKS['default'] can't be used: It is a value of type Hostile",
            id="an entry raises",
        ),
        (
            ("default", "BACKEND"),
            "tests.unit.conf.exits.Backend",
            "E007",
            "TASKS['default'] can't be used: Its BACKEND 'tests.unit.conf.exits.Backend' can't be imported "
            "(SystemExit: the module ends the process).",
        ),
        (
            ("default", "OPTIONS", "owner"),
            "tests.unit.conf.exits.owner",
            "E008",
            "TASKS['default']: OPTIONS['owner'] names 'tests.unit.conf.exits.owner', which can't be used: "
            "SystemExit: the module ends the process",
        ),
        pytest.param(
            ("default", "OPTIONS", "client"),
            Hostile(),
            "E006",
            "TASKS['default']: OPTIONS['client'] is a value",
            id="an option raises",
        ),
        pytest.param(
            ("default", "OPTIONS", "schedules", "nightly", "args"),
            SimpleLazyObject(lambda: 1 / 0),
            "E006",
            "TASKS['default']: OPTIONS['schedules']['nightly'] has arguments that can't be read: "
            "ZeroDivisionError: division by zero.",
            id="arguments raise",
        ),
        ((), [], "E007", "TASKS is []."),
        (("default",), 5, "E007", "TASKS['default'] can't be used: It is 5 instead of a dictionary."),
        (
            ("default", "BACKEND"),
            5,
            "E007",
            "TASKS['default'] can't be used: Its BACKEND 5 can't be imported",
        ),
        (("default", "QUEUES"), "default", "E003", "TASKS['default']: QUEUES is 'default'."),
        (("default", "QUEUES", 0), None, "E003", "TASKS['default']: QUEUES contains None, which can't be"),
        (("default", "OPTIONS"), None, "E006", "TASKS['default']: OPTIONS is None."),
        (("default", "OPTIONS", "queues"), [], "E006", "TASKS['default']: OPTIONS['queues'] is []."),
        (
            ("default", "OPTIONS", "queues", "reports", "batch_size"),
            "20",
            "E005",
            "TASKS['default']: OPTIONS['queues']['reports']['batch_size'] is '20'.",
        ),
        (
            ("default", "OPTIONS", "on_commit"),
            "no",
            "E006",
            "TASKS['default']: OPTIONS['on_commit'] is 'no'.",
        ),
        (("default", "OPTIONS", "modules"), None, "E006", "TASKS['default']: OPTIONS['modules'] is None."),
        (
            ("default", "OPTIONS", "modules", 0),
            "tests.unit.tsks",
            "E008",
            "TASKS['default']: OPTIONS['modules'] names 'tests.unit.tsks', which can't be used: "
            "ModuleNotFoundError: No module named 'tests.unit.tsks'.",
        ),
        (
            ("default", "OPTIONS", "owner"),
            "tests.unit.tasks.gone",
            "E008",
            "TASKS['default']: OPTIONS['owner'] names 'tests.unit.tasks.gone', which can't be used: "
            'ImportError: Module "tests.unit.tasks" does not define a "gone" attribute/class.',
        ),
        (
            ("default", "OPTIONS", "owner"),
            "tests.unit.tasks.__name__",
            "E008",
            "TASKS['default']: OPTIONS['owner'] names 'tests.unit.tasks.__name__', which can't be used: "
            "it isn't a function.",
        ),
        (
            ("default", "OPTIONS", "queue_urls"),
            ["https://q/1/shop-dev-default"],
            "E006",
            "TASKS['default']: OPTIONS['queue_urls'] is ['https://q/1/shop-dev-default'].",
        ),
        (
            ("default", "OPTIONS", "queue_urls", "reports"),
            "https://sqs.eu-west-1.amazonaws.com/1/mine",
            "E006",
            "TASKS['default']: OPTIONS['queue_urls']['reports'] is "
            "'https://sqs.eu-west-1.amazonaws.com/1/mine', but the stack's workers receive only from the "
            "queue shop-dev-reports.",
        ),
        (
            ("default", "OPTIONS", "functions"),
            {"worker": "mine"},
            "E006",
            "TASKS['default']: OPTIONS['functions'] names 'worker', which the stack doesn't have.",
        ),
        (("default", "OPTIONS", "result_ttl"), 0, "E006", "TASKS['default']: OPTIONS['result_ttl'] is 0."),
        (
            ("default", "OPTIONS", "schedules", "nightly", "task"),
            [],
            "E006",
            "TASKS['default']: OPTIONS['schedules']['nightly']['task'] is [].",
        ),
    ],
)
def test_a_wrong_value_is_named(path: tuple[Any, ...], value: Any, check_id: str, text: str) -> None:
    messages = messages_of(replaced(FULL, path, value))

    found = [message.msg for message in messages if message.id == f"django_offload.{check_id}"]
    assert [message[: len(text)] for message in found] == [text]


def test_an_alias_that_cannot_be_imported_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    tasks = replaced(FULL, ("other", "BACKEND"), "shop.backends.Gone")

    with override_settings(TASKS=tasks):
        assert list(configured()) == ["default"]
        assert caplog.messages == [
            "TASKS['other'] can't be used: Its BACKEND 'shop.backends.Gone' can't be imported "
            "(ModuleNotFoundError: No module named 'shop'). Run manage.py check."
        ]
        from django_offload.stack import stacks

        with pytest.raises(ConfigurationError, match=r"TASKS\['other'\]: Its BACKEND .* Correct or remove"):
            stacks()


@pytest.mark.parametrize("number", range(6))
def test_an_alias_that_no_message_can_contain_is_refused(number: int) -> None:
    alias: Any = [5, None, b"default", ("a",), "\ud800", Hostile()][number]

    messages = messages_of({"default": FULL["default"], alias: FULL["other"]})

    (message,) = [message for message in messages if message.id == "django_offload.E007"]
    assert message.msg.endswith("Its alias can't be part of a record. Give a text of 1 to 100 characters.")


def test_values_that_extend_text_and_numbers_are_what_they_extend() -> None:
    queues = {"default": {"batch_size": Number.one, "timeout": Minutes(minutes=1)}}
    params = {"BACKEND": Text.backend, "OPTIONS": OrderedDict(stack=Text.stack, queues=queues)}

    assert list(find_problems(params)) == []
    options = Options.parse("default", params)
    assert (options.stack, type(options.stack)) == ("shop-enum", str)
    assert type(options.queues["default"].batch_size) is int
    assert type(options.queues["default"].timeout) is timedelta
