"""What a unique key is made of, which calls have the same, and which options can't be."""

import datetime as dt
import functools
import pickle
from datetime import timedelta

import pytest
from django.utils.translation import gettext_lazy

from django_offload.compat import InvalidTask
from django_offload.conf import configured
from django_offload.definition.offload_task import task
from django_offload.definition.unique import with_key
from django_offload.definition.unique_checks import check_unique_tasks
from django_offload.protocol.json_codec import dump
from tests.contract import unique_tasks
from tests.contract.records import enqueued_task
from tests.contract.setup import tasks_setting
from tests.unit import tasks

NOTHING = object()


def plain(order, force=False, *rest, since=NOTHING, **more): ...


def positional(order, /, force=False): ...


@pytest.fixture
def key(ours):
    """Return the key of a call of a function, given `unique`."""

    def of(unique, *args, function=plain, name="shop.tasks.plain", alias="default", **kwargs):
        enqueued = enqueued_task("1" * 32, name=name, arguments=dump([args, kwargs]))
        unique_task = task(unique=unique, name=name)(function)
        return with_key(enqueued, unique_task, configured()[alias]).unique

    return of


def test_equal_calls_have_one_key_however_they_are_written(key):
    keys = {
        key(True, 7),
        key("queued", order=7),
        key(True, 7, False),
        key(True, force=False, order=7),
        key(True, 7, alias="other"),
    }
    assert len(keys) == 1
    assert key(True, 7, a=1, b={"c": 1, "d": 2}) == key(True, 7, b={"d": 2, "c": 1}, a=1)
    assert key(True, 7, function=positional) == key(True, 7, False, function=positional)


def test_different_calls_have_different_keys(key):
    values = [
        1,
        1.0,
        True,
        "1",
        [1],
        None,
        {"1": 1},
        "",
        0,
        -0.0,
        "é",
        "e\u0301",
        "\x00",
        [[], [1]],
        [[[]], 1],
    ]
    calls = [key(True, value) for value in values]
    calls += [key(True, 1, False, 2), key(True, 1, False, 2, 3), key(True, 1, since=None), key(True, 1, x=2)]
    calls += [key(True, 1, name="shop.tasks.other"), key(True, "x" * 1_000_000)]

    assert len(set(calls)) == len(calls)
    assert all(len(digits) == 32 for digits in calls)


def test_a_function_gets_the_arguments_that_it_names(key):
    by_name = key(lambda order: order, 7)

    assert key(lambda order: order, order=7, force=True) == by_name
    assert key(lambda order, **_: order, 7, True, 8, x=9) == by_name
    assert key(lambda **all_of_them: all_of_them["order"], 7) == by_name
    assert key(lambda *args, **_: args[0], 7, True) == by_name
    assert key(lambda force, order: [order, force], 7) == key(lambda force, order: [order, force], 7, False)
    assert key(lambda order, tenant="a": [order, tenant], 7) == key(lambda order: [order, "a"], 7)
    assert key(lambda x: x, 7, x=9) == key(lambda x: x, 8, x=9)
    assert key(functools.partial(lambda sign, order: [sign, order], "a"), 7) is not None
    assert key(lambda order: None, 7) is None
    assert key(lambda order: 0, 7) is not None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (float("nan"), "float"),
        (float("inf"), "float"),
        (b"order", "bytes"),
        ({1, 2}, "set"),
        (gettext_lazy("order"), "__proxy__"),
        (dt.date(2026, 1, 1), "date"),
        (NOTHING, "object"),
        ([b"order"], "list"),
        ({1: 1, "1": 2}, "dict"),
        (10**5_000, "int"),
    ],
    ids=["NaN", "inf", "bytes", "set", "lazy", "date", "object", "bytes inside", "mixed keys", "too long"],
)
def test_a_key_that_json_cannot_carry_is_refused(key, value, kind):
    with pytest.raises(InvalidTask, match=f"plain returned a {kind} that JSON can't carry. Return text"):
        key(lambda order: value, 7)


def test_what_the_function_raises_is_quoted_with_what_to_do(key):
    with pytest.raises(
        InvalidTask, match=r"raised ZeroDivisionError: .*It is called with the arguments"
    ) as one:
        key(lambda order: order / 0, 7)
    assert isinstance(one.value.__cause__, ZeroDivisionError)
    with pytest.raises(InvalidTask, match=r"plain raised TypeError: .*ordr"):
        key(lambda ordr: ordr, 7)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"unique": "Queued"}, "unique is 'Queued'. Give True, 'queued', or a function"),
        ({"unique": None}, "unique is None. Give True"),
        ({"unique": 1}, "unique is 1. Give True"),
        ({"unique": str}, "Give a function whose parameters can be read"),
        ({"unique": True, "unique_for": 0}, "unique_for is 0:00:00. Give seconds or a timedelta above 0"),
        ({"unique": True, "unique_for": timedelta(seconds=-1)}, "negative"),
        ({"unique": True, "unique_for": timedelta.max}, "at most 36,500 days"),
        ({"unique": True, "unique_for": "an hour"}, "unique_for: .*Give seconds or a timedelta"),
        ({"unique_for": 60}, "needs unique=True"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, problem):
    with pytest.raises(InvalidTask, match=problem):
        task(**options)(plain)


def test_a_coroutine_makes_no_key():
    async def later(order): ...

    with pytest.raises(InvalidTask, match=r"unique is a coroutine function\. Give a plain function"):
        task(unique=later)(plain)


def test_using_cannot_change_what_the_worker_has_to_know():
    for options in ({"unique": True}, {"unique_for": 60}):
        with pytest.raises(TypeError, match=r"using\(\) doesn't take unique"):
            unique_tasks.sync.using(**options)


def test_a_task_with_a_function_can_be_pickled():
    copy = pickle.loads(pickle.dumps(unique_tasks.report.using(queue_name="reports")))  # noqa: S301

    assert copy.unique is unique_tasks.report.unique
    assert (copy.queue_name, copy.unique_for) == ("reports", timedelta(hours=1))


def check(monkeypatch, **options):
    from django_offload.definition.registry import registry

    monkeypatch.setattr(tasks, "unique", task(**options)(tasks.double.func), raising=False)
    monkeypatch.setattr(tasks, "double", tasks.unique)
    registry.cache_clear()
    try:
        return [(message.id, message.msg, message.hint) for message in check_unique_tasks()]
    finally:
        monkeypatch.undo()
        registry.cache_clear()


def test_a_unique_task_needs_records(settings, monkeypatch):
    setting = tasks_setting(modules=["tests.unit.tasks"], record_at_enqueue=False)
    settings.TASKS = {"default": setting["default"]}  # An invocation is nothing without its record.

    ((identity, text, hint),) = check(monkeypatch, unique=True)

    assert identity == "django_offload.E048"
    assert text.startswith(
        "tests.unit.tasks.double is unique, but TASKS['default'] has OPTIONS['record_at_enq"
    )
    assert "Remove that option" in hint
    assert check(monkeypatch, unique=False) == []
    with pytest.raises(InvalidTask, match=r"record_at_enqueue.*remove the option"):
        with_key(
            enqueued_task("1" * 32, arguments="[[7],{}]"),
            task(unique=True)(plain),
            configured()["default"],
        )


@pytest.mark.parametrize(
    ("unique", "strange"),
    [
        (lambda numbr, other: numbr, "numbr, other"),
        (lambda *, order: order, "order"),
        (lambda number: number, ""),
        (lambda number, order=1, **more: number, ""),
        (lambda *arguments: arguments, ""),
        (True, ""),
    ],
)
def test_a_function_names_parameters_of_the_task(ours, monkeypatch, unique, strange):
    found = check(monkeypatch, unique=unique)

    assert [identity for identity, *_ in found] == ["django_offload.E049"] * bool(strange)
    if strange:
        text = f"The `unique` of tests.unit.tasks.double needs {strange}, but the task has no such parameter."
        assert found[0][1] == text
