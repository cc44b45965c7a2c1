"""Arguments that can't be sent are refused by enqueue(), with their path and what to pass instead."""

import array
import asyncio
import dataclasses
import datetime as dt
import io
import ipaddress
import pathlib
import sys
import uuid
import zoneinfo
from collections import UserDict, UserString, deque
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from types import MappingProxyType

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.base import ContentFile
from django.db.models import TextChoices
from django.http import HttpRequest, QueryDict
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st

from django_offload.compat import InvalidTask
from django_offload.conf.json_values import NotJSON, plain
from django_offload.exceptions import InvalidArguments
from django_offload.protocol.json_codec import dump, find_converted_key, load
from tests.contract.setup import tasks_setting
from tests.unit import argument_tasks as tasks

SAVED = User.from_db("default", ["id", "username"], [7, "ada"])


class Colour(Enum):
    RED = "red"
    MIXED = (1, 2)


class Level(IntEnum):
    HIGH = 2


class Size(StrEnum):
    LARGE = "L"


class Status(TextChoices):
    PAID = "paid", gettext_lazy("Paid")


@dataclasses.dataclass
class Address:
    street: str


class Model:
    """As pydantic's are."""

    def model_dump(self, mode):
        return {}


class Elsewhere(dict):
    """A dictionary that stores its items elsewhere, as that of a library with several layers."""

    def __init__(self, stored):
        super().__init__()
        self.items = stored.items


def containing_itself():
    loop = {"items": [1]}
    loop["items"].append(loop)
    return loop


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def coroutine():
    async def later():
        return 1

    made = later()
    made.close()
    return made


PRIMARY_KEYS = 'Pass list(order.values_list("pk", flat=True)), and query them in the task.'
# What a newcomer passes as `order`: what the message says it is, and what to pass.
REFUSED = {
    "datetime": (
        dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "a datetime",
        "Pass order.isoformat(), and use datetime.fromiso",
    ),
    "date": (dt.date(2026, 1, 1), "a date", "Pass order.isoformat(), and use date.fromisoformat()"),
    "time": (dt.time(12), "a time", "Pass order.isoformat(), and use time.fromisoformat()"),
    "timedelta": (dt.timedelta(1), "a timedelta", "Pass order.total_seconds(), and use timedelta("),
    "UUID": (uuid.UUID(int=1), "a UUID", "Pass str(order), and use UUID()"),
    "Decimal": (Decimal("9.90"), "a Decimal", "Pass str(order), and use Decimal()"),
    "Fraction": (Fraction(1, 3), "a Fraction", "Pass str(order), and use Fraction()"),
    "complex": (1 + 2j, "a complex number", "Pass [order.real, order.imag]."),
    "path": (pathlib.Path("/srv/a.csv"), "a path", "Pass str(order), if workers can read the file there."),
    "time zone": (zoneinfo.ZoneInfo("Europe/Zurich"), "a time zone", "Pass order.key, and use ZoneInfo()"),
    "IP address": (ipaddress.ip_address("::1"), "an IP address or network", "Pass str(order)."),
    "model instance": (SAVED, "a model instance (User)", "Pass order.pk, and load it in the task."),
    "request.user": (
        SimpleLazyObject(lambda: SAVED),
        "a model instance (User)",
        "Pass order.pk, and load it in the task.",
    ),
    "unsaved model instance": (
        User(),
        "a model instance (User) that isn't saved",
        "Pass order.pk after order.save(), and load it in the task.",
    ),
    "unsaved model instance with a key": (
        User(pk=7),
        "a model instance (User) that isn't saved",
        "Pass order.pk after order.save(), and load it in the task.",
    ),
    "AnonymousUser": (AnonymousUser(), "an AnonymousUser", "Pass order.pk, which is None, and handle that"),
    "QuerySet": (User.objects.all(), "a QuerySet", PRIMARY_KEYS),
    "values()": (User.objects.values("pk"), "a QuerySet", "Pass list(order)."),
    "raw()": (User.objects.raw("SELECT 1"), "a RawQuerySet", "Pass [instance.pk for instance in order], and"),
    "manager": (User.objects, "a UserManager", PRIMARY_KEYS),
    "set": ({1}, "a set", "Pass list(order)."),
    "frozenset": (frozenset([1]), "a set", "Pass list(order)."),
    "keys()": ({}.keys(), "a set", "Pass list(order)."),
    "values of a dictionary": ({}.values(), "of type dict_values", "Pass list(order)."),
    "lazy text": (gettext_lazy("Paid"), "a lazy string", "Pass str(order)."),
    "bytes": (b"\xff", "bytes", "Pass text: order.decode(), or base64.b64encode(order).decode()."),
    "bytes of ASCII": (b"plain", "bytes", "Pass text: order.decode(), or base64.b64encode(order).decode()."),
    "bytearray": (bytearray(b"x"), "bytes", "Pass text: order.decode()"),
    "memoryview": (memoryview(b"x"), "bytes", "Pass text: order.decode()"),
    "NaN": (float("nan"), "NaN, which JSON doesn't have", "Pass None instead of it."),
    "Infinity": (float("inf"), "Infinity, which JSON doesn't have", "Pass None instead of it."),
    "-Infinity": (float("-inf"), "-Infinity, which JSON doesn't have", "Pass None instead of it."),
    "long number": (
        10**5_000,
        "a whole number of more than 4,300 digits, the most that Python writes",
        "Pass hex(order), and use int(text, 16) in the task.",
    ),
    "Enum": (Colour.RED, "a member of the Enum Colour", "Pass order.value."),
    "Enum of tuples": (Colour.MIXED, "a member of the Enum Colour", "Pass order.name."),
    "Enum class": (Colour, "the class Colour", "Pass a name that the task can look up."),
    "dataclass": (Address("Main"), "a dataclass (Address)", "Pass dataclasses.asdict(order)."),
    "pydantic model": (Model(), "of type Model", 'Pass order.model_dump(mode="json").'),
    "generator": ((number for number in ()), "an iterator", "Pass list(order)."),
    "coroutine": (coroutine(), "a coroutine or another awaitable", "Pass its value: await order."),
    "open file": (io.BytesIO(), "an open file", "Write it where workers can read it, and pass its name."),
    "Django file": (
        ContentFile(b"x", "a.txt"),
        "a file",
        "Pass the name that default_storage.save(order.name",
    ),
    "function": (len, "a function or another callable", "Pass a name that the task can look up."),
    "task": (tasks.ship, "a task", "Pass a name that the task can look up"),
    "module": (sys, "a module", "Pass numbers, text, lists and dictionaries."),
    "exception": (ValueError("x"), "an exception", "Pass str(order)."),
    "request": (HttpRequest(), "a request", "Pass what the task needs of it, such as order.user.pk."),
    "anything else": (
        object(),
        "of type object",
        "Pass numbers, text, lists and dictionaries that describe it.",
    ),
    "UserString": (UserString("ab"), "a UserString", "Pass str(order)."),
    "two halves of a character": (
        "a\ud83d\ude00",
        "a text with the two halves of a surrogate pair, and JSON makes one character of them",
        'Pass order.encode("utf-16", "surrogatepass").decode("utf-16", "replace").',
    ),
    "key of int": (
        {7: "seven"},
        "a dictionary with a key of type int, and JSON makes text of it",
        "Pass a dictionary whose keys are text, or a list of pairs.",
    ),
    "key of float": (
        {1.5: 1},
        "a dictionary with a key of type float, and JSON makes text of it",
        "Pass a d",
    ),
    "key of bool": ({True: 1}, "a dictionary with a key of type bool, and JSON makes text of it", "Pass a d"),
    "key of None": ({None: 1}, "a dictionary with a key of type NoneType, and JSON makes te", "Pass a dict"),
    "key of a tuple": ({(1, 2): 1}, "a dictionary with a key of type tuple, and JSON makes", "Pass a dict"),
    "two keys of one text": ({1: "a", "1": "b"}, "a dictionary with a key of type int, and", "Pass a dict"),
    "a key of the two halves of another": (
        {"\ud83d\ude00": 1, "\U0001f600": 2},
        "a text with the two halves",
        'Pass key.encode("utf-16",',
    ),
    "items that a dictionary stores elsewhere": (
        Elsewhere({1: "a", "1": "b"}),
        "a dictionary with a key of type int, and JSON",
        "Pass a dict",
    ),
    "key of an Enum": ({Level.HIGH: 1}, "a dictionary with a key of type Level, and JSON", "Pass a dict"),
    "nested too deeply": (
        nested(100_000),
        "nested too deeply",
        "Pass a flatter value, or a file's location.",
    ),
    "nested deeper than Django follows": (nested(1_000), "nested too deeply", "Pass a flatter value"),
}
# What is sent, and what the worker gets.
ACCEPTED = {
    "text of any kind": (["ü", "\ud800", "\0", mark_safe("<b>")], ["ü", "\ud800", "\0", "<b>"]),
    "numbers": ([True, 1, 2**64, -1.5, 1e300], [True, 1, 2**64, -1.5, 1e300]),
    "members that are text or numbers": ([Level.HIGH, Size.LARGE, Status.PAID], [2, "L", "paid"]),
    "other sequences": ([(1, 2), range(2), deque([3]), array.array("i", [4])], [[1, 2], [0, 1], [3], [4]]),
    "other mappings": (
        [MappingProxyType({"a": UserDict(b=1)}), QueryDict("a=1")],
        [{"a": {"b": 1}}, {"a": "1"}],
    ),
    "dictionaries that store their items elsewhere": (
        [Elsewhere({"a": [Elsewhere({"b": 1}), {}]}), Elsewhere({})],
        [{"a": [{"b": 1}, {}]}, {}],
    ),
    "characters of two halves, and halves in other places": (
        ["\U0001f600", "\ude00\ud83d", {"\ude00": "\ud83d"}],
        ["\U0001f600", "\ude00\ud83d", {"\ude00": "\ud83d"}],
    ),
    "text that looks like other keys": (
        [{"7": 1, "-1.5e+3": 2, "true": 3, "null": 4, "": 5}],
        [{"7": 1, "-1.5e+3": 2, "true": 3, "null": 4, "": 5}],
    ),
    "lazy objects of plain values": (
        [SimpleLazyObject(lambda: {"a": 1}), SimpleLazyObject(lambda: 2)],
        [{"a": 1}, 2],
    ),
    "a value that is in it twice": ([ACCEPTED_TWICE := [1], ACCEPTED_TWICE], [[1], [1]]),
    "values that are nested": (nested(300), nested(300)),
}


@pytest.fixture(autouse=True)
def site(settings, request):
    settings.TASKS = tasks_setting(modules=["tests.unit.argument_tasks"])
    return request.getfixturevalue("offload")


def refusal(call, *args, **kwargs):
    with pytest.raises(InvalidArguments) as raised:
        call(*args, **kwargs)
    assert isinstance(raised.value, (InvalidTask, TypeError))
    return str(raised.value)


@pytest.mark.parametrize(("value", "what", "advice"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_json_cannot_carry_is_refused_with_what_to_pass(site, value, what, advice):
    message = refusal(tasks.ship.enqueue, value)

    start = "The arguments of task tests.unit.argument_tasks.ship can't be sent: "
    assert message.startswith((f"{start}order is {what}", f"{start}a key of order is {what}"))
    assert f". {advice}" in message
    assert message.endswith(".")
    assert site.run() == 0


@pytest.mark.parametrize(("values", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_what_json_can_carry_reaches_the_worker(site, values, expected):
    result = tasks.ship.enqueue(values)

    site.run()

    result.refresh()
    assert result.return_value == expected


def test_a_value_that_contains_itself_is_named_where_it_does():
    message = refusal(tasks.ship.enqueue, containing_itself())

    assert "order.items[1] is a value that contains itself. Pass a copy without the loop." in message


@pytest.mark.parametrize(
    ("args", "kwargs", "path", "advice"),
    [
        ([{"items": [1, 2, 3, {"price": Decimal(1)}]}], {}, "order.items[3].price is a", "Pass str(price),"),
        ([{"unit-price": {1}}], {}, "order['unit-price'] is a", "Pass list(order['unit-price'])."),
        ([{"x" * 99: {1}}], {}, f"order['{'x' * 40}'] is a", f"Pass list(order['{'x' * 40}'])."),
        ([[SAVED]], {}, "order[0] is a", "Pass order[0].pk,"),
        ([{"users": [SAVED]}], {}, "order.users[0] is a", "Pass users[0].pk,"),
        ([], {"order": {1}}, "order is a", "Pass list(order)."),
        ([1, 2, {3}], {}, "rest[1] is a", "Pass list(rest[1])."),
        ([1], {"colour": {1}}, "colour is a", "Pass list(colour)."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_path_leads_to_the_value(args, kwargs, path, advice):
    message = refusal(tasks.ship.enqueue, *args, **kwargs)

    assert f"can't be sent: {path}" in message
    assert f". {advice}" in message


def test_the_context_has_no_place_among_the_arguments():
    assert "can't be sent: order is a set." in refusal(tasks.ship_with_context.enqueue, {1})


def test_the_name_of_the_task_is_its_stable_name():
    assert "The arguments of task orders.pay can't be sent: card is a set." in refusal(tasks.pay.enqueue, {1})


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [([{"4111 1111": {1}}], {}), ([1], {"pin": {"4111 1111": {1}}})],
    ids=["own", "options"],
)
def test_the_path_within_a_sensitive_argument_is_hidden(args, kwargs):
    message = refusal(tasks.pay.enqueue, *args, **kwargs)

    name = "pin" if kwargs else "card"
    assert f"can't be sent: a value in {name} is a set. Pass numbers, text, lists and dictionaries" in message
    assert "4111" not in message


def call_bulk(task, *args, **kwargs):
    (answer,) = task.enqueue_many([kwargs or args])
    raise answer


WAYS = {
    "enqueue": lambda task, *args, **kwargs: task.enqueue(*args, **kwargs),
    "aenqueue": lambda task, *args, **kwargs: asyncio.run(task.aenqueue(*args, **kwargs)),
    "delay": lambda task, *args, **kwargs: task.delay(*args, **kwargs),
    "enqueue_many": call_bulk,
    "using": lambda task, *args, **kwargs: task.using(max_attempts=2).enqueue(*args, **kwargs),
    "LambdaBackend": lambda task, *args, **kwargs: task.using(backend="other").enqueue(*args, **kwargs),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_way_to_enqueue_refuses_them(site, way):
    assert "order is a set. Pass list(order)." in refusal(way, tasks.ship, {1})
    assert "first is a model instance (User). Pass first.pk" in refusal(way, tasks.two, first=SAVED)
    assert "missing a required argument: 'first'" in refusal(way, tasks.two, second=2)
    assert site.run() == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none()


@given(JSON)
def test_what_json_carries_is_its_own_plain_form(value):
    assert plain(value, "value") == value == load(dump(value))


@given(KEYS, JSON)
def test_no_key_that_json_converts_is_overlooked(key, value):
    """The fast encoder converts such keys without a word, so its text is searched for them."""
    assert find_converted_key(dump([[{"before": value, key: value}], {}]))
    with pytest.raises(NotJSON, match="a dictionary with a key of type"):
        plain([value, {key: value}], "value")
