"""The page of one task shows its state, its arguments, and each attempt with its error."""

import logging
from datetime import timedelta

import pytest

from django_offload.compat import TASKS, TaskResultStatus
from django_offload.exceptions import Cancelled
from django_offload.protocol.record import error_of
from django_offload.protocol.transitions import abandon, redrive, report
from tests.contract import tasks as contract_tasks
from tests.contract.records import ERROR, NOW, TOKEN, TTL, claimed, create_record, enqueued_task, new_id
from tests.unit import tasks

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_sensitive_arguments_are_masked_and_others_named(ada, offload):
    result = tasks.send.enqueue(17, card="4111 1111")

    answer = ada.open(result.id)

    assert answer.context["detail"].arguments == [("order", "17"), ("card", '"********"')]
    assert "4111" not in answer.text


def test_all_arguments_of_an_unknown_task_are_masked(ada, store):
    task_id = new_id()
    create_record(store, enqueued_task(task_id, name="gone.tasks.pay", arguments='[["4111"],{"to":"me"}]'))

    answer = ada.open(task_id)

    assert answer.context["detail"].arguments == [("* 1", '"********"'), ("to", '"********"')]
    assert "4111" not in answer.text


def test_every_failed_attempt_shows_its_traceback(ada, offload):
    offload.fail_next(OSError("the network is <down>"))
    result = tasks.send.enqueue(1)
    offload.run()
    assert result.status == TaskResultStatus.READY
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL

    answer = ada.open(result.id)

    entries = answer.context["detail"].timeline
    assert [entry.title for entry in entries] == [
        "Enqueued",
        "Attempt 1 failed",
        "Attempt 2 succeeded",
        "Finished",
    ]
    assert entries[1].note == "builtins.OSError: the network is <down>"
    assert entries[1].is_latest_error
    assert entries[0].instant <= entries[1].instant <= entries[2].instant <= entries[3].instant
    assert [entry.worker for entry in entries[1:3]] == result.worker_ids
    assert "Traceback (most recent call last)" in entries[1].traceback
    assert "the network is &lt;down&gt;" in answer.text
    assert "<down>" not in answer.text


def test_the_return_value_is_shown_as_json(ada, offload):
    result = tasks.double.enqueue(21)
    offload.run()

    assert ada.open(result.id).context["detail"].returned == "42"


def test_a_running_task_shows_its_progress_worker_and_trace(ada, store):
    task_id = new_id()
    enqueued = enqueued_task(task_id, traceparent=TRACE)
    store.change(task_id, claimed(task_id, enqueued=enqueued))
    progress = {"done": 3, "total": 4, "message": "nearly"}
    store.change(task_id, report(fence=1, token=TOKEN, progress=progress))

    answer = ada.open(task_id)

    assert '<progress value="3" max="4"' in answer.text
    assert "3 of 4" in answer.text
    facts = dict(answer.context["detail"].facts)
    assert facts["Trace"] == "0af7651916cd43dd8448eb211c80319c"
    entries = answer.context["detail"].timeline
    assert (entries[1].title, entries[1].worker) == ("Attempt 1 runs", "worker-1")
    # The lease has expired, because these examples are dated in the past.
    assert entries[2].title == "Its worker was lost"


def test_lost_attempts_and_those_before_a_redrive_are_shown(ada, store):
    task_id = new_id()
    enqueued, later = enqueued_task(task_id), NOW + timedelta(hours=1)
    store.change(task_id, claimed(task_id, enqueued=enqueued))
    store.change(task_id, claimed(task_id, at=later, enqueued=enqueued))
    store.change(task_id, abandon(now=later + timedelta(hours=1), result_ttl=TTL, error=ERROR))
    died = ada.open(task_id).context["detail"].timeline
    store.change(task_id, redrive(task_id, now=later, due_at=later))
    store.change(task_id, claimed(task_id, at=later, enqueued=enqueued))

    lost = ("Its worker was lost.", "worker-1")
    assert [(entry.title, entry.note, entry.worker) for entry in died[1:3]] == [
        ("Attempt 1 was lost", *lost),
        ("Attempt 2 was lost", *lost),
    ]
    answer = ada.open(task_id)
    entries = answer.context["detail"].timeline
    assert [(entry.title, entry.worker) for entry in entries[1:5]] == [
        ("Attempt 1 was lost", ""),
        ("Attempt 2 was lost", ""),
        ("Sent again", ""),
        ("Attempt 3 runs", "worker-1"),
    ]
    assert "Worker <code>worker-1</code>" in answer.text


@pytest.mark.parametrize(
    ("error", "text"),
    [(ERROR, "builtins.ValueError: The stock is negative"), (error_of(Cancelled()), "exceptions.Cancelled")],
)
def test_an_end_from_outside_shows_its_cause(ada, store, error, text):
    task_id = new_id()
    create_record(store, enqueued_task(task_id))
    store.change(task_id, abandon(now=NOW, result_ttl=TTL, error=error))

    last = ada.open(task_id).context["detail"].timeline[-1]

    assert (last.title, last.instant, last.kind) == ("FAILED", NOW, "bad")
    assert text in last.note


def test_a_delayed_task_shows_when_it_starts(ada, store):
    task_id, later = new_id(), NOW + timedelta(days=1)
    create_record(store, enqueued_task(task_id, run_after=later))

    last = ada.open(task_id).context["detail"].timeline[-1]

    assert (last.title, last.instant) == ("Starts no earlier than", later)


def test_a_long_value_is_cut(ada, offload):
    result = contract_tasks.add.enqueue("x" * 30_000, "y")

    (_, first), _ = ada.open(result.id).context["detail"].arguments

    assert first.endswith("… (10,002 characters more)")


@pytest.mark.parametrize("task_id", ["0" * 32, "nothing"])
def test_an_unknown_task_has_no_page(ada, task_id):
    assert ada.open(task_id).status_code == 404


LONE = "a lone \ud83d surrogate"


def test_a_lone_surrogate_anywhere_is_shown_escaped(ada, offload, monkeypatch):
    # Pytest's workers can't send a captured log with such a text to each other.
    monkeypatch.setattr(logging.getLogger(TASKS), "disabled", True)
    failed = contract_tasks.echo.enqueue(LONE, key={LONE: LONE})
    offload.fail_next(ValueError(LONE))
    offload.run()
    returned = contract_tasks.echo.enqueue(LONE)
    offload.run()

    waits = contract_tasks.echo.enqueue(LONE)

    for answer in (ada.see("failed"), ada.see(), ada.act("cancel", waits.id, confirmed=False)):
        assert answer.status_code == 200
    assert r"a lone \ud83d surrogate" in ada.open(failed.id).text
    assert r"a lone \ud83d surrogate" in ada.open(returned.id).text
