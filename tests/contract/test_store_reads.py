"""Every store reads back what was written: records, and the texts beside them."""

from enum import StrEnum

import pytest
from django.utils.safestring import SafeString

from django_offload.protocol.record import initial_item, read_record
from tests.contract.records import NOW, after, claimed, create_record, enqueued_task, new_id


@pytest.fixture(params=["", "update"], ids=["by PutItem", "by UpdateItem"])
def writes(request, monkeypatch):
    """Write as the web side does, and as a function of the stack does."""
    monkeypatch.setenv("OFFLOAD_WRITES", request.param)


@pytest.mark.usefixtures("writes")
def test_create_returns_whether_it_created_the_record(store):
    enqueued = enqueued_task(new_id())

    assert create_record(store, enqueued) is True
    assert create_record(store, enqueued_task(enqueued.id, name="other")) is False
    assert read_record(store.get(enqueued.id)).enqueued == enqueued


@pytest.mark.usefixtures("writes")
def test_all_attributes_of_a_new_record_are_read_back(store):
    enqueued = enqueued_task(
        new_id(),
        arguments='["\\ud800\\u0000é"]',
        run_after=NOW,
        owner="user:ü",
        depth=7,
        traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        options={"max_attempts": 5, "backoff": 0.5, "retry_on": ["builtins.OSError"]},
    )

    create_record(store, enqueued)

    record = read_record(store.get(enqueued.id))
    assert record.enqueued == enqueued
    assert record.inline is True


def test_an_instance_of_a_str_subclass_is_stored_as_text(store):
    class Queue(StrEnum):
        REPORTS = "reports"

    enqueued = enqueued_task(new_id(), queue=Queue.REPORTS, owner=SafeString("user:7"))

    assert create_record(store, enqueued)

    assert read_record(store.get(enqueued.id)).enqueued == enqueued


def test_missing_records_and_parts_are_none(store):
    assert store.get(new_id()) is None
    assert store.get_part(new_id(), "arguments") is None
    assert store.parts(new_id()) == (None, {})


def test_parts_are_stored_beside_the_record(store):
    enqueued, texts = (
        enqueued_task(new_id()),
        {"arguments": "[[],{}]", "error#0001": '{"x":"ü"}', "result#1": "9" * 900},
    )
    create_record(store, enqueued)
    for part, text in texts.items():
        store.put_part(enqueued.id, part, text, 2_000_000_000)

    attributes, parts = store.parts(enqueued.id)

    assert attributes == initial_item(enqueued)
    assert parts == texts
    assert {part: store.get_part(enqueued.id, part) for part in texts} == texts


def test_parts_need_no_record(store):
    task_id = new_id()

    store.put_part(task_id, "arguments", "[[],{}]", 2_000_000_000)

    assert store.parts(task_id) == (None, {"arguments": "[[],{}]"})


def test_all_parts_are_read_even_if_one_response_cannot_contain_them(store):
    task_id, large = new_id(), "x" * 290_000
    for number in range(5):
        store.put_part(task_id, f"error#{number:04d}", large, 2_000_000_000)

    _, parts = store.parts(task_id)

    assert {part: len(text) for part, text in parts.items()} == {
        f"error#{number:04d}": 290_000 for number in range(5)
    }


def test_changing_a_returned_record_does_not_change_the_store(store):
    task_id = new_id()
    store.change(task_id, claimed(task_id))

    read_once = store.get(task_id)
    read_once["workers"].append("nobody")
    read_once["status"] = "FAILED"

    assert store.get(task_id) == after(claimed(task_id))
