"""Callables as `backoff`: of the attempt's number, or of the exception and the task's result."""

import asyncio
from datetime import timedelta
from functools import partial, wraps
from unittest import mock

import pytest

from django_offload.compat import InvalidTask
from django_offload.definition.backoff import takes_result, wait_of
from django_offload.definition.offload_task import task
from tests.unit import tasks


def of_number(attempt):
    return attempt


def of_two(exception, task_result):
    return 1


def of_three(first, second, third):
    return 1


def named_only(attempt, *, factor):
    return factor


async def asynchronous(attempt):
    return attempt


def generator(attempt):
    yield attempt


class Policy:
    def __call__(self, exception, task_result):
        return 1

    def of_number(self, attempt, factor=2):
        return attempt * factor

    def of_two(self, exception, task_result, factor=2):
        return factor

    @staticmethod
    def static(exception, task_result):
        return 1


class AsyncPolicy:
    async def __call__(self, exception, task_result):
        return 1


class Strange:
    """Its signature can't be read."""

    @property
    def __signature__(self):
        raise RuntimeError("no")

    def __call__(self, attempt):
        return attempt


def counted(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("backoff", "two"),
    [
        (of_number, False),
        (of_two, True),
        (lambda attempt: 1, False),
        (lambda exception, task_result: 1, True),
        (lambda attempt, factor=2: 1, False),
        (lambda exception, task_result, factor=2: 1, True),
        (lambda attempt=1: 1, False),
        (lambda *args: 1, False),
        (lambda attempt, *args: 1, False),
        (lambda exception, task_result, *args, **kwargs: 1, True),
        (lambda attempt, /: 1, False),
        (lambda attempt, *, factor=2: 1, False),
        (partial(of_three, 1), True),
        (partial(of_three, 1, 2), False),
        (partial(named_only, factor=2), False),
        (Policy(), True),
        (Policy().of_number, False),
        (Policy().of_two, True),
        (Policy.static, True),
        (counted(of_two), True),
        (counted(of_number), False),
        (mock.Mock(), False),
        (Strange(), False),
        (int, False),
        (max, False),
    ],
)
def test_its_required_positional_parameters_say_which_kind_a_callable_is(backoff, two):
    defined = task(backoff=backoff, max_attempts=2)(tasks.double.func)

    assert takes_result(defined.backoff) is two


@pytest.mark.parametrize(
    ("backoff", "problem"),
    [
        (of_three, "takes 3 arguments. Give a function of the attempt's number, or one of the exception and"),
        (lambda: 30, "takes no arguments. Give a function of the attempt's number, or one of the exception"),
        (partial(of_two, 1, 2), "takes no arguments. Give a function"),
        (lambda **options: 30, "takes no arguments. Give a function"),
        (named_only, "can't be called without factor. Give a function of the attempt's number"),
        (asynchronous, "returns no pause when it is called. Give a plain function, neither async nor a"),
        (partial(asynchronous), "Give a plain function, neither async nor a generator."),
        (AsyncPolicy(), "Give a plain function, neither async nor a generator."),
        (generator, "Give a plain function, neither async nor a generator."),
        (asyncio.sleep, "Give a plain function, neither async nor a generator."),
    ],
)
def test_a_callable_that_fits_neither_kind_is_refused_with_the_task(backoff, problem):
    with pytest.raises(InvalidTask, match="backoff is ") as refused:
        task(backoff=backoff, max_attempts=2)(tasks.double.func)

    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("pause", "wait"),
    [(None, None), (0, timedelta(0)), (2.5, timedelta(seconds=2.5)), (timedelta(days=3), timedelta(days=3))],
)
def test_a_backoff_returns_seconds_or_a_timedelta_or_none(pause, wait):
    assert wait_of(pause) == wait


NONSENSE = [-1, "soon", True, float("nan"), float("inf"), 10**400, timedelta.max, timedelta(-1), [], object()]


@pytest.mark.parametrize("pause", NONSENSE, ids=lambda pause: str(pause)[:12])
def test_any_other_pause_is_refused_with_what_to_return(pause):
    with pytest.raises(ValueError, match=r"backoff returned .*\. Return seconds, a timedelta"):
        wait_of(pause)
