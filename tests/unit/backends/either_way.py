"""The two ways to enqueue a task: alone, and as one of many. They must do the same."""

import pytest

from tests.unit import tasks


def one():
    return tasks.double.enqueue(2)


def by_the_hundred():
    (answer,) = tasks.double.enqueue_many([(2,)])
    if isinstance(answer, Exception):
        raise answer
    return answer


EITHER_WAY = pytest.mark.parametrize("enqueue", [one, by_the_hundred])
