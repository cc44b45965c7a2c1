"""Arguments that JSON gives back as others, or that only this process could read, are refused by name."""

import sys

import pytest

from django_offload.exceptions import InvalidArguments
from tests.contract.setup import tasks_setting
from tests.unit import argument_tasks as tasks
from tests.unit.definition.test_arguments import nested, refusal


@pytest.fixture(autouse=True)
def site(settings, request):
    settings.TASKS = tasks_setting(modules=["tests.unit.argument_tasks"])
    return request.getfixturevalue("offload")


class Changing(str):
    """A text that isn't equal to what JSON gives back."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        return False


@pytest.mark.parametrize(
    "enqueue", [tasks.ship.enqueue, lambda value: next(tasks.ship.enqueue_many([(value,)]))]
)
def test_a_value_of_which_json_makes_another_is_named(enqueue):
    try:
        answer = enqueue({"items": [1, {"name": Changing("a")}]})
    except InvalidArguments as exc:
        answer = exc

    assert str(answer).endswith(
        "order['items'][1]['name'] is a value that JSON gives back as another one. Pass a value of Python's "
        "own types."
    )


@pytest.fixture
def any_length():
    """A process that writes and reads whole numbers of any length."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(before)


def test_a_number_that_only_this_process_can_read_is_refused(site, any_length):
    message = refusal(tasks.ship.enqueue, {"size": -(10**4_300)})

    assert "order.size is a whole number of more than 4,300 digits" in message
    result = tasks.ship.enqueue([-(10**4_299), "1" * 5_000])
    site.run()
    result.refresh()
    assert result.return_value == [-(10**4_299), "1" * 5_000]


def test_arguments_are_refused_by_name_wherever_the_calls_are_nested(site):
    """A call near Python's recursion limit sends what it can, and never fails with a bare RecursionError."""

    def called_at(depth, value):
        if depth:
            return called_at(depth - 1, value)
        try:
            return tasks.ship.enqueue(value)
        except InvalidArguments as exc:
            return str(exc)

    answers = [called_at(depth, nested(300)) for depth in range(0, 700, 10)]

    refused = [answer for answer in answers if isinstance(answer, str)]
    assert 0 < len(refused) < len(answers)
    assert all("nested too deeply" in answer for answer in refused)
    assert site.run() == len(answers) - len(refused)
