"""What a task, a step or an effect returned can't be kept: the work isn't done again, through the handler."""

import pytest

from tests.contract import process_tasks as tasks
from tests.contract.setup import tasks_setting


@pytest.fixture
def site(settings, request):
    settings.TASKS = tasks_setting(modules=["tests.contract.process_tasks"], bucket=None)
    tasks.runs.clear()
    return request.getfixturevalue("offload")


def work(site, *results):
    """Run the tasks; return the classes of the errors of each."""
    site.run()
    for result in results:
        result.refresh()
    return [[error.exception_class_path.rpartition(".")[2] for error in result.errors] for result in results]


# What each value is told to be, and what to return instead.
RETURNED = {
    "date": "return_value.days[1] is a date. Return days[1].isoformat().",
    "NaN": "return_value is NaN, which JSON doesn't have. Return None instead of it.",
    "set": "return_value is a set. Return list(return_value).",
    "object": "return_value is of type Block. Return numbers, text, lists and dictionaries that describe it.",
    "circle": "return_value[0] is a value that contains itself. Return a copy without the loop.",
    "bytes": "return_value is bytes. Return text: return_value.decode(), or base64.b64encode(return_value)",
    "key": "return_value is a dictionary with a key of type tuple, and JSON makes text of it. Return a ",
}


@pytest.mark.parametrize(
    ("task", "what"),
    [
        (tasks.return_value, "Task tests.contract.process_tasks.return_value"),
        (tasks.step, "Step 'mine'"),
        (tasks.steps_in_group, "Step 'mine'"),
    ],
    ids=["task", "step", "step in a group"],
)
def test_a_value_that_json_cannot_carry_fails_the_task_once(site, task, what):
    results = [task.enqueue(how) for how in RETURNED]
    work(site, *results)

    assert {result.status for result in results} == {"FAILED"}
    assert [result.attempts for result in results] == [1] * len(RETURNED)
    assert sorted(set(tasks.runs)) == sorted(RETURNED)
    for result, text in zip(results, RETURNED.values(), strict=True):
        traceback = result.errors[0].traceback
        assert f"{what} ran, but its return value can't be stored: " in traceback
        assert text in traceback


@pytest.mark.parametrize(
    ("task", "error"),
    [
        (tasks.return_value, "ResultTooLarge"),
        (tasks.step, "StepTooLarge"),
        (tasks.steps_in_group, "ExceptionGroup"),
    ],
    ids=["task", "step", "step in a group"],
)
def test_a_value_that_is_too_large_fails_the_task_once(site, task, error):
    assert work(site, task.enqueue("large")) == [[error]]


def test_an_effect_whose_value_json_cannot_carry_fails_the_task_once(sqlite_database, site):
    result = tasks.effect.enqueue("date")

    assert work(site, result) == [["InvalidReturnValue"]]
    assert "context.atomic('mine') ran, but its return value" in result.errors[0].traceback
