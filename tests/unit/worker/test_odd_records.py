"""Whoever may write to the table may write anything: no value stops a sweep, a batch or another reader."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from django_offload.board.timeline import MOST_ATTEMPTS, attempt_entries
from django_offload.definition.retry_policy import attempts_allowed
from django_offload.exceptions import UnreadableRecord
from django_offload.operations.status import retry_after, status_of
from django_offload.protocol.record import RECORD_TYPES, TaskRecord, error_part, initial_item, read_record
from django_offload.stores.dynamodb import plain
from django_offload.testing import Invocation, sqs_event
from django_offload.worker import batch
from django_offload.worker.sweeping.sweeper import UNREADABLE_AFTER
from tests.contract.records import NOW, create_record

pytestmark = pytest.mark.django_db

# As DynamoDB returns them: every type, and every kind of number that it can store.
TYPED = [
    *({"N": text} for text in ("0", "-1", "1", "1.5", "-0.5", "1E+30", "9" * 38, "-" + "9" * 38, "1E-130")),
    *({"N": str(10**18)}, {"N": str(253_402_300_800_000_000)}, {"N": str(-62_135_596_800_000_001)}),
    *({"S": text} for text in ("", "x", "{", "[]", "{}", "null", "NaN", "1", "9" * 5_000, "[" * 100_000)),
    *({"S": text} for text in ("RUNNING", "READY", "FAILED", "SUCCESSFUL", "ready", '"\\ud800"', "\x00")),
    {"S": json.dumps({"class": 1, "message": [], "done": "1", "total": {}, "key": 5})},
    {"S": json.dumps({"class": "builtins.ValueError", "done": float("inf"), "total": float("nan")})},
    {"S": json.dumps({"class": "x", "message": "x", "done": 10**400, "total": 0, "ended": True})},
    {"S": json.dumps({"max_attempts": "9", "timeout": "1", "result_ttl": 10**300, "backoff": []})},
    {"S": json.dumps({"max_attempts": -1, "timeout": -1, "retry_on": [1], "no_retry_on": "x"})},
    {"S": '{"timeout":1e400}'},
    *({"BOOL": True}, {"BOOL": False}, {"NULL": True}, {"B": b"\x00"}, {"B": "AA=="}),
    *({"L": []}, {"L": [{"N": "1"}]}, {"L": [{"M": {}}]}, {"L": [{"S": "error#0001"}]}, {"L": [{"L": []}]}),
    *({"M": {}}, {"M": {"x": {"S": "y"}}}, {"SS": ["a"]}, {"NS": ["1"]}, {"BS": [b""]}),
]
FIELDS = [*RECORD_TYPES, "cancelled", "part", "ttl", "due_shard", "from_newer_code"]
STATES = {
    "READY": {},
    "RUNNING": {
        "fence": 1,
        "token": "a",
        "workers": ["w"],
        "lease_until": 1,
        "started_at": 1,
        "attempted_at": 1,
    },
    "FAILED": {
        "fence": 1,
        "workers": ["w"],
        "errors": ["error#0001"],
        "error": '{"class":"x","message":"y"}',
        "finished_at": 1,
    },
}


def odd_items(make):
    """Yield the attributes of a record in each state, with each odd value in each field."""
    for status, attributes in STATES.items():
        item = {**initial_item(make()), "status": status, **attributes}
        for name in FIELDS:
            for typed in TYPED:
                yield {**item, name: plain(typed)}


def test_a_record_is_read_and_can_be_computed_with_or_is_unreadable(ours, stage, enqueued):
    read = unread = 0
    for item in odd_items(enqueued):
        try:
            record = read_record(item)
        except UnreadableRecord:
            unread += 1
        else:
            read += 1
            compute_with(record, stage)

    assert (read > 500, unread > 2_000) == (True, True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("progress", '{"done":NaN,"total":1,"message":""}'),
        ("progress", '{"done":1,"total":Infinity,"message":""}'),
        ("progress", '{"done":true,"total":1,"message":""}'),
        ("progress", '{"total":1}'),
        ("options", '{"timeout":1e400}'),
        ("options", '{"result_ttl":3153600001}'),
        ("error", '{"class":"builtins.ValueError"}'),
        ("arguments_reference", '{"key":"payloads/x","sha256":"x"}'),
    ],
)
def test_a_json_text_has_the_fields_and_numbers_that_this_library_writes(enqueued, name, text):
    with pytest.raises(UnreadableRecord, match=f"its attribute '{name}' is not an object with a valid '"):
        read_record({**initial_item(enqueued()), name: text})


@pytest.mark.parametrize("value", ["NaN", "1e400", "[" * 900 + "]" * 900, "[" * 100_000])
@pytest.mark.parametrize(
    ("name", "text"), [("metadata", '{{"a":{}}}'), ("options", '{{"metadata":{{"a":{}}}}}')]
)
def test_metadata_that_no_page_can_show_makes_a_record_unreadable(enqueued, name, text, value):
    item = {**initial_item(enqueued()), name: text.format(value)}
    try:
        shown = status_of(read_record(item), {})
    except UnreadableRecord:
        return
    assert json.dumps(shown["metadata"], allow_nan=False)


@pytest.mark.parametrize("name", ["id", "unique", "duplicate_of"])
@pytest.mark.parametrize("text", ["", "x" * 3_000, "u:" + "5" * 32, "G" * 32])
def test_what_becomes_a_key_of_the_table_is_an_id(enqueued, name, text):
    with pytest.raises(UnreadableRecord, match=f"its attribute '{name}' is not 32 hexadecimal digits"):
        read_record({**initial_item(enqueued()), name: text})


def test_a_task_that_was_sent_very_often_is_sent_again(stage, enqueued):
    task = enqueued(1)
    create_record(stage.store, task)
    first = stage.store.records[task.id]["enqueued_at"]
    # It is due before it may start, so it has had no message yet.
    stage.store.records[task.id].update({"sends": 100_000, "due_at": first - 1})

    assert stage.sweep() == {"sent": 1}


def test_an_attempt_is_numbered_without_the_claims_that_were_undone(enqueued):
    chosen = random.Random(17)
    for _ in range(200):
        fence = chosen.randrange(12)
        undone = chosen.sample(range(1, 12), chosen.randrange(5))
        item = {**initial_item(enqueued()), "fence": fence, "undone": [*map(str, undone), "-3"]}
        record = read_record(item)
        fences = [each for each in range(1, fence + 1) if each not in undone]

        for most in (1, 3, 20):
            assert record.latest_fences(most) == fences[-most:]
        numbers = record.attempt_numbers(range(-5, 20))
        assert numbers == {each: number for number, each in enumerate(fences, 1)}


@pytest.mark.parametrize("fence", [100_001, 10**12])
def test_however_often_a_task_was_claimed_it_can_be_read_and_shown(stage, enqueued, fence):
    """A number of claims that no record reaches in 31 years costs no more to show than another."""
    task, part = enqueued(1), error_part(fence)
    error = {"class": "x.Y", "message": "no", "traceback": "line"}
    item = {"fence": fence, "sends": fence, "status": "FAILED", "errors": [part], "error": json.dumps(error)}
    record = read_record({**initial_item(task), **item})
    parts = {part: json.dumps(error)}

    status = status_of(record, parts, traceback=True)
    shown = attempt_entries(record, parts)

    assert status["error"]["traceback"] == "line"
    assert (len(shown), shown[-1].title) == (MOST_ATTEMPTS, f"Attempt {fence} failed")
    assert shown[0].title == f"Attempt {fence - MOST_ATTEMPTS + 1} was lost"


def compute_with(record: TaskRecord, stage):
    for now in (NOW, datetime(1970, 1, 1, tzinfo=UTC)):
        assert record.ready_at + timedelta(days=40_000) > now - timedelta(days=700_000)
        assert 1 <= retry_after(record, now) <= 10
        _ = record.lost(now), record.hidden(now), record.attempts
        assert len(record.attempt_numbers(record.latest_fences(100))) <= 100
    attempts_allowed(record.enqueued, stage.options)
    try:
        status_of(record, {}, traceback=True)
    except UnreadableRecord:
        assert record.status == "SUCCESSFUL"  # Only its result is read when somebody asks for it.


def test_no_record_stops_the_sweep_of_the_others(stage, enqueued):
    for number, item in enumerate(list(odd_items(enqueued))[::5], 1):
        odd = enqueued(number)
        create_record(stage.store, odd)
        index = {name: stage.store.records[odd.id][name] for name in ("id", "due_at", "due_shard")}
        stage.store.records[odd.id].update({**item, **index})
    last = enqueued(0, enqueued_at=NOW + timedelta(seconds=1))
    create_record(stage.store, last)
    stage.now = NOW + timedelta(minutes=7)

    swept = stage.sweep()

    assert stage.record(last).sends == 1
    assert swept["failed"] > 500
    # Those that can't be read are put off for an hour, so that they take no time from the others. The store
    # in memory accepts no write to a record with a value that isn't a text, a number, a bool or a list.
    assert stage.sweep()["failed"] < swept["failed"] / 2


def test_an_unreadable_record_is_put_off_and_swept_once_it_is_corrected(stage, enqueued, caplog):
    task = enqueued(1)
    create_record(stage.store, task)
    stage.store.records[task.id]["fence"] = "many"
    stage.now = NOW + timedelta(minutes=6)

    assert stage.sweep() == {"failed": 1}
    assert stage.sweep() == {}
    stage.now += UNREADABLE_AFTER
    assert stage.sweep() == {"failed": 1}
    del stage.store.records[task.id]["fence"]
    stage.now += UNREADABLE_AFTER
    assert stage.sweep() == {"sent": 1}
    problem = "its attribute 'fence' is not a whole number"
    assert f"Task id={task.id} could not be swept; it is due again in an hour: The record" in caplog.text
    assert problem in caplog.text


def test_no_record_stops_the_rest_of_a_batch(stage, enqueued):
    for number, item in enumerate(list(odd_items(enqueued))[::97], 1):
        odd, neighbour = enqueued(2 * number), enqueued(2 * number + 1)
        stage.store.records[odd.id] = {**item, "id": odd.id}
        for task in (odd, neighbour):
            stage.transport.send("default", stage.message(task), timedelta(0))
        deliveries = stage.transport.receive("default", 2)

        batch.handler(
            sqs_event(deliveries, "contract-default"), Invocation("contract-default-worker"), stage.clock
        )

        assert stage.record(neighbour).status == "SUCCESSFUL"
