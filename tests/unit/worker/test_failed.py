"""A record that can't be read hides no other dead letter."""

from datetime import timedelta

from django_offload.exceptions import DeadLettered
from django_offload.operations.dead_letters import failed_records
from django_offload.operations.fail import fail_record
from tests.contract.records import create_record


def test_a_record_that_cannot_be_read_is_logged_and_skipped(stage, enqueued, caplog):
    for number in range(3):
        create_record(stage.store, enqueued(number))
        stage.now += timedelta(minutes=1)
        fail_record(stage.store, enqueued(number), stage.options, stage.now, DeadLettered("the test says so"))
    stage.store.records[enqueued(0).id]["error"] = "{"

    ids = [record.enqueued.id for record in failed_records(stage.store)]

    assert ids == [enqueued(1).id, enqueued(2).id]
    problem = f"The record of task {enqueued(0).id} can't be read: a value in it raises JSONDecodeError."
    assert f"Task id={enqueued(0).id} is left out: {problem} Something other than" in caplog.text
