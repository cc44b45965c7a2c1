"""The dead letters: what cannot be read hides none of the others."""

from datetime import timedelta

from django_offload.exceptions import DeadLettered
from django_offload.operations.dead_letters import failed_records
from django_offload.operations.fail import end


def test_a_record_that_is_none_of_ours_hides_no_dead_letter(stage, enqueued, caplog):
    for number in range(3):
        stage.store.create(enqueued(number))
        stage.now += timedelta(minutes=1)
        end(stage.store, enqueued(number), stage.options, stage.now, DeadLettered("the test says so"))
    stage.store.records[enqueued(0).id]["error"] = "{"

    found = [record.enqueued.id for record in failed_records(stage.store)]

    assert found == [enqueued(1).id, enqueued(2).id]
    assert f"The record of task id={enqueued(0).id} cannot be read; look at it in the table" in caplog.text
