"""Clients that ask again and again, and tasks that many clients start, cost little."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from django_offload.conf import Options
from django_offload.operations.status import LONGEST_RETRY_AFTER_SECONDS
from tests.unit.stack.examples import of_type

POLLS, GUESSES = 1_000, 200


@pytest.fixture
def reads(offload, monkeypatch):
    """Return the calls that read a record."""
    calls = []
    for store in offload.stores.values():
        original = store.get
        monkeypatch.setattr(
            store, "get", lambda *args, original=original: calls.append(args) or original(*args)
        )
    return calls


@pytest.mark.urls("tests.unit.http.setup")
def test_t08_a_thousand_polls_are_304_with_a_time_to_wait_and_read_one_record_each(
    visitor, offload, reads, monkeypatch
):
    somebody = visitor()
    result = somebody.enqueue()
    first = somebody.status(result.id)
    reads.clear()

    answers = [somebody.status(result.id, if_none_match=first.headers["ETag"]) for _ in range(POLLS)]

    assert {answer.status_code for answer in answers} == {304}
    assert {answer.content for answer in answers} == {b""}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 10 for answer in answers)
    assert len(reads) == POLLS
    offload.run()
    ended = somebody.status(result.id, if_none_match=first.headers["ETag"])
    assert (ended.status_code, "Retry-After" in ended.headers) == (200, False)


@pytest.mark.urls("tests.unit.http.setup")
def test_t08_the_time_to_wait_grows_to_ten_seconds(visitor, offload, monkeypatch):
    somebody = visitor()
    result = somebody.enqueue()
    waits = []
    for minutes in (0, 1, 2, 60, 10**5):
        now = datetime.now(UTC) + timedelta(minutes=minutes)
        monkeypatch.setattr(
            "django_offload.http.views.datetime", SimpleNamespace(now=lambda zone, at=now: at)
        )
        waits.append(int(somebody.status(result.id).headers["Retry-After"]))

    assert waits == [1, 5, 10, 10, 10]
    assert waits[-1] == LONGEST_RETRY_AFTER_SECONDS


@pytest.mark.urls("tests.unit.http.setup")
def test_t08_guesses_read_nothing(visitor, offload, reads):
    stranger = visitor()

    answers = [stranger.status(f"{number:032x}", "?token=a:b") for number in range(GUESSES)]

    assert {answer.status_code for answer in answers} == {404}
    assert reads == []


def test_t08_a_queue_has_at_most_ten_workers_unless_the_project_says_otherwise():
    plain = Options.parse(
        "default", {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": "shop-dev"}}
    )
    mappings = of_type("Lambda::EventSourceMapping", plain)

    most = {name: mapping["ScalingConfig"]["MaximumConcurrency"] for name, mapping in mappings.items()}
    assert len(most) == 2
    assert max(map(int, most.values())) == 10
