"""The status of a task as JSON, and its caching."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from django_offload.operations.status import retry_after
from django_offload.protocol.record import initial_item, read_record
from django_offload.protocol.transitions import create
from tests.contract import tasks as plain
from tests.contract.records import NOW, after, claimed, enqueued_task

pytestmark = pytest.mark.urls("tests.unit.http.setup")

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
FIELDS = [
    *("id", "task", "queue", "status", "attempts", "progress"),
    *("enqueued_at", "started_at", "finished_at", "run_after"),
]


@pytest.fixture
def staff(visitor):
    return visitor("ada", is_staff=True, permitted=True)


def test_accepted_is_202_with_where_to_look_and_the_status(visitor):
    somebody = visitor()
    result = somebody.enqueue()

    answer = somebody.answer
    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Content-Type"] == "application/json"
    status = answer.json()
    assert list(status) == FIELDS
    assert (status["id"], status["task"], status["queue"]) == (
        result.id,
        "tests.unit.tasks.double",
        "default",
    )
    assert (status["status"], status["attempts"], status["progress"]) == ("READY", 0, None)
    assert (status["started_at"], status["finished_at"], status["run_after"]) == (None, None, None)


def test_the_answer_to_enqueue_and_the_first_status_are_the_same(visitor):
    somebody = visitor()
    result = somebody.enqueue()

    assert somebody.status(result.id).json() == somebody.answer.json()


def test_a_finished_task_has_its_return_value(visitor, offload):
    somebody = visitor()
    result = somebody.enqueue()
    offload.run()

    status = somebody.status(result.id).json()

    assert list(status) == [*FIELDS, "return_value"]
    assert (status["status"], status["attempts"], status["return_value"]) == ("SUCCESSFUL", 1, 42)
    for name in ("enqueued_at", "started_at", "finished_at"):
        assert INSTANT.fullmatch(status[name]), status[name]


def test_a_failed_task_has_its_error_and_staff_alone_its_traceback(visitor, staff, offload):
    somebody = visitor()
    result = somebody.enqueue()
    offload.fail_next(ValueError("The stock is negative"))
    offload.run()

    status, full_status = somebody.status(result.id).json(), staff.status(result.id).json()

    assert list(status) == [*FIELDS, "error"]
    assert status["error"] == {"class": "builtins.ValueError", "message": "The stock is negative"}
    assert list(full_status["error"]) == ["class", "message", "traceback"]
    assert full_status["error"]["traceback"].startswith("Traceback (most recent call last):\n")
    assert full_status["error"]["traceback"].endswith("ValueError: The stock is negative\n")


@pytest.mark.parametrize("characters", [10, 1_000, 400_000])
def test_a_return_value_of_any_size_is_shown(staff, offload, characters):
    result = plain.returns_much.enqueue(characters)
    offload.run()

    assert staff.status(result.id).json()["return_value"] == "x" * characters


def test_run_after_is_shown(staff):
    later = timezone.now() + timedelta(minutes=5)
    result = plain.nothing.using(run_after=later).enqueue()

    assert INSTANT.fullmatch(staff.status(result.id).json()["run_after"])


def test_nothing_new_is_304_without_a_body(visitor, offload):
    somebody = visitor()
    result = somebody.enqueue()
    first = somebody.status(result.id)

    again = somebody.status(result.id, if_none_match=first.headers["ETag"])
    several = somebody.status(result.id, if_none_match=f'"other", {first.headers["ETag"]}')
    offload.run()
    changed = somebody.status(result.id, if_none_match=first.headers["ETag"])

    assert (again.status_code, again.content) == (304, b"")
    assert several.status_code == 304
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Retry-After"] == "1"
    assert (changed.status_code, changed.json()["status"]) == (200, "SUCCESSFUL")
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_retry_after_ends_with_the_task(visitor, offload):
    somebody = visitor()
    result = somebody.enqueue()
    before = somebody.status(result.id)
    offload.run()

    assert before.headers["Retry-After"] == "1"
    assert "Retry-After" not in somebody.status(result.id).headers


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 1), (-60, 1), (10, 1), (24, 2), (60, 5), (119, 9), (120, 10), (86_400, 10)]
)
def test_retry_after_grows_from_one_to_ten(seconds, expected):
    record = read_record(after(create(initial_item(enqueued_task("0" * 32, enqueued_at=NOW)))))

    assert retry_after(record, NOW + timedelta(seconds=seconds)) == expected


def test_retry_after_begins_anew_with_each_attempt():
    record = read_record(
        after(claimed("0" * 32, NOW, enqueued=enqueued_task("0" * 32, enqueued_at=NOW - timedelta(hours=1))))
    )

    assert retry_after(record, NOW + timedelta(seconds=5)) == 1


def test_head_is_get_without_a_body(visitor, status_url):
    somebody = visitor()
    result = somebody.enqueue()

    answer = somebody.client.head(status_url(result.id))

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["ETag"]


def test_a_result_past_its_time_is_not_found(staff, offload, settings):
    result = plain.answer.using(result_ttl=0.001).enqueue()
    offload.run()
    deadline = timezone.now() + timedelta(milliseconds=2)
    while timezone.now() < deadline:
        continue

    assert staff.status(result.id).status_code == 404


def test_without_time_zones_instants_are_the_same(visitor, settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Asia/Tokyo"
    somebody = visitor()
    result = somebody.enqueue()

    assert result.enqueued_at.tzinfo is None
    assert somebody.status(result.id).json() == somebody.answer.json()
