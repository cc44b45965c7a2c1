"""enqueue_many() does for each task what enqueue() does, with every backend."""

import pytest

from tests.contract import tasks


@pytest.fixture
def backend():
    return "SQSBackend"


def test_every_task_runs_with_its_own_arguments(offloaded):
    arguments = [(1,), {"first": 2, "second": 3}, ("a", "b")]

    answers = list(tasks.add.enqueue_many(arguments))

    assert [answer.status for answer in answers] == ["READY"] * 3
    assert offloaded.run() == 3
    for answer in answers:
        answer.refresh()
    assert [answer.return_value for answer in answers] == [1, 5, "ab"]


def test_a_task_that_cannot_be_sent_yields_its_exception_and_stops_no_other(offloaded):
    first, wrong, last = tasks.echo.enqueue_many([(1,), (object(),), (2,)])

    assert isinstance(wrong, TypeError)
    assert offloaded.run() == 2
    for answer, number in ((first, 1), (last, 2)):
        answer.refresh()
        assert answer.return_value == [[number], {}]


def test_arguments_of_every_size_arrive(offloaded):
    lengths = (0, 1_000, 299_000, 400_000)

    answers = list(tasks.echo.enqueue_many([("x" * length,) for length in lengths]))

    assert offloaded.run() == 4
    for answer, length in zip(answers, lengths, strict=True):
        answer.refresh()
        assert len(answer.return_value[0][0]) == length
