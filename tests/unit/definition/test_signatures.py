"""Arguments that the function doesn't take are refused by enqueue(), before anything is sent."""

import pytest

from django_offload.exceptions import InvalidArguments
from tests.contract.setup import tasks_setting
from tests.unit import argument_tasks as tasks


@pytest.fixture(autouse=True)
def site(settings, request):
    settings.TASKS = tasks_setting(modules=["tests.unit.argument_tasks"])
    return request.getfixturevalue("offload")


@pytest.mark.parametrize(
    ("task", "args", "kwargs", "reason", "form"),
    [
        (tasks.two, [], {}, "missing a required argument: 'first'", "two.enqueue(first, second=…)"),
        (tasks.two, [1, 2, 3], {}, "too many positional arguments", "two.enqueue(first, second=…)"),
        (
            tasks.two,
            [1],
            {"first": 1},
            "multiple values for argument 'first'",
            "two.enqueue(first, second=…)",
        ),
        (
            tasks.two,
            [1],
            {"secnd": 2},
            "got an unexpected keyword argument 'secnd'",
            "two.enqueue(first, second=…)",
        ),
        (tasks.own, [], {"context": 1}, "got an unexpected keyword argument 'context'", "own.enqueue()"),
        (tasks.own, [1], {}, "too many positional arguments", "own.enqueue()"),
        (
            tasks.every_kind,
            [],
            {"key": 1},
            "missing a required argument: 'first'",
            "every_kind.enqueue(first, /,",
        ),
        (
            tasks.every_kind,
            [1],
            {},
            "missing a required argument: 'key'",
            "/, second=…, *rest, key, other=…, **opt",
        ),
        (
            tasks.only_positional,
            [],
            {"first": 1},
            "positional",  # Python 3.12 says "positional only", and later ones "positional-only".
            "enqueue(first, /)",
        ),
    ],
)
def test_arguments_that_the_function_does_not_take_are_refused(site, task, args, kwargs, reason, form):
    with pytest.raises(InvalidArguments, match=r"^The arguments of task tests.+ can't be sent: ") as raised:
        task.enqueue(*args, **kwargs)

    message = str(raised.value)
    assert reason in message
    assert form in message
    assert site.run() == 0


@pytest.mark.parametrize(
    ("task", "args", "kwargs"),
    [
        (tasks.two, [1], {}),
        (tasks.two, [1, 2], {}),
        (tasks.two, [], {"second": 2, "first": 1}),
        (tasks.own, [], {}),
        (tasks.every_kind, [1], {"key": 1}),
        (tasks.every_kind, [1, 2, 3, 4], {"key": 1, "other": 2, "first": 5, "more": 6}),
        (tasks.only_positional, [1], {}),
        (tasks.wrapped, [1], {}),
    ],
)
def test_arguments_that_the_function_takes_are_sent(site, task, args, kwargs):
    result = task.enqueue(*args, **kwargs)

    site.run()

    result.refresh()
    assert result.status == "SUCCESSFUL"


def test_an_item_of_many_whose_names_are_no_text_is_refused():
    (answer,) = tasks.two.enqueue_many([{1: 2}])

    assert str(answer).endswith("can't be sent: keywords must be strings. Call two.enqueue(first, second=…).")
