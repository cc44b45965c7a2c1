"""Who reads the text of an exception: staff, and the owner unless OPTIONS["error_text"] says nobody."""

import json
from urllib.parse import quote

import pytest

from django_offload.compat import TASKS
from django_offload.conf import configured
from django_offload.http import accepted, status_url
from django_offload.stores import store_of
from tests.unit import tasks

pytestmark = pytest.mark.urls("tests.unit.http.setup")

CARD = "4111-1111-1111-1111"
ERROR = {"class": "builtins.ValueError", "message": "The stock is negative"}
CLASS_ONLY = {"class": "builtins.ValueError", "message": ""}


@pytest.fixture
def staff(visitor):
    return visitor("ada", is_staff=True, permitted="view_task")


@pytest.fixture
def failed(visitor, offload):
    """Return a function that lets a visitor's task fail, and returns the task's id."""

    def fail(somebody, path="/work/", message=ERROR["message"]):
        result = somebody.enqueue(path)
        offload.fail_next(ValueError(message))
        offload.run()
        return result.id

    return fail


def errors(task_id, **visitors):
    """Return the error that each visitor reads, the bearer of the link by the link alone."""
    answers = {name: visitor.status(task_id).json()["error"] for name, visitor in visitors.items()}
    for error in answers.values():
        error.pop("traceback", None)
    return answers


def as_bearer(visitor, task_id):
    return visitor().client.get(status_url(task_id)).json()["error"]


def test_the_owner_and_staff_read_the_text_and_the_bearer_of_a_link_the_class(visitor, staff, failed):
    owner = visitor("owner")
    task_id = failed(owner)

    assert errors(task_id, owner=owner, staff=staff) == {"owner": ERROR, "staff": ERROR}
    assert as_bearer(visitor, task_id) == CLASS_ONLY
    assert owner.client.get(status_url(task_id)).json()["error"] == ERROR


def test_with_class_only_staff_reads_the_text(visitor, staff, failed, settings):
    settings.TASKS["default"]["OPTIONS"]["error_text"] = "class"
    settings.TASKS = dict(settings.TASKS)
    owner = visitor("owner")
    task_id = failed(owner)

    assert errors(task_id, owner=owner, staff=staff) == {"owner": CLASS_ONLY, "staff": ERROR}
    assert as_bearer(visitor, task_id) == CLASS_ONLY


def test_an_answer_to_a_cancel_that_came_too_late_says_no_more(visitor, failed, settings):
    settings.TASKS["default"]["OPTIONS"]["error_text"] = "class"
    settings.TASKS = dict(settings.TASKS)
    owner = visitor("owner")
    task_id = failed(owner)

    answer = owner.cancel(task_id)

    assert (answer.status_code, answer.json()["error"]) == (409, CLASS_ONLY)


@pytest.mark.parametrize("card", ["123", 7, True, {"number": CARD, "cvc": "123"}])
def test_a_value_too_short_to_be_found_leaves_the_class_to_all_but_staff(
    visitor, staff, failed, caplog, card
):
    owner = visitor("owner")
    task_id = failed(owner, f"/pays/?card={quote(json.dumps(card))}", f"not {json.dumps(card)} of 123")

    assert errors(task_id, owner=owner)["owner"] == CLASS_ONLY
    assert as_bearer(visitor, task_id) == CLASS_ONLY
    shown = errors(task_id, staff=staff)["staff"]["message"]
    assert shown.endswith(" of 123")
    assert CARD not in shown
    # Nobody's permissions are checked where a log is read.
    (line,) = [record.getMessage() for record in caplog.records if "failed" in record.getMessage()]
    assert line.startswith(
        f"Task id={task_id} name=orders.send failed\n    Traceback (most recent call last):\n"
    )
    assert line.endswith("\n    ValueError")
    assert "of 123" not in caplog.text


def test_a_value_that_is_hidden_leaves_the_rest_of_the_text_to_the_owner(visitor, failed, caplog):
    owner = visitor("owner")
    task_id = failed(owner, f'/pays/?card="{CARD}"', f"Card {CARD} was refused")

    assert errors(task_id, owner=owner)["owner"]["message"] == "Card ******** was refused"
    assert "ValueError: Card ******** was refused" in caplog.text
    # The backport of Django's tasks logs "no exception" as three times None.
    assert not any(any(record.exc_info or ()) for record in caplog.records)


def test_the_mark_of_a_short_value_costs_other_tasks_nothing(visitor, failed, offload):
    owner = visitor("owner")
    stored = {
        card: store_of(configured()["default"]).get(failed(owner, f"/pays/?card={card}", "so"))["error"]
        for card in (f'"{CARD}"', '"123"')
    }

    assert [json.loads(error) for error in stored.values()] == [
        {"class": "builtins.ValueError", "message": "so"},
        {"class": "builtins.ValueError", "message": "so", "for_staff": True},
    ]


@pytest.mark.parametrize(
    ("card", "message"),
    [(CARD, "refused: ********"), ("123", ""), ({"a": [CARD]}, "refused: {'a': ['********']}")],
)
def test_the_answer_of_another_backend_hides_the_values_too(ours, settings, offload, card, message):
    settings.TASKS = ours | {"at once": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}

    answer = accepted(tasks.refuse.using(backend="at once").enqueue(card))

    assert json.loads(answer.content)["error"] == {"class": "builtins.ValueError", "message": message}


@pytest.mark.parametrize(
    ("card", "message"),
    [(CARD, f"{'x' * 190} ********"), (f"{CARD} {CARD}", f"{'x' * 190} ********"), ("123", "")],
)
def test_a_progress_text_is_cut_after_it_was_masked(visitor, staff, offload, card, message):
    result = tasks.refuse.enqueue(card, say="x" * 190)
    offload.run()

    assert staff.status(result.id).json()["progress"] == {"done": 1, "total": 2, "message": message}
