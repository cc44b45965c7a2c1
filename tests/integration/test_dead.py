"""Dead letters on local AWS are listed, shown, redriven and discarded."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.aws import client
from django_offload.compat import TaskResultStatus
from django_offload.conf import configured
from django_offload.definition.registry import registry
from django_offload.exceptions import DeadLettered
from django_offload.operations.fail import fail_record
from django_offload.protocol.record import ARGUMENTS_PART
from django_offload.protocol.record_size import INLINE_ARGUMENTS_BYTES
from tests.contract.setup import STACK
from tests.faults import FailingStore, store_with
from tests.integration import tasks
from tests.integration.setup import MINUTE, SECOND, claim_by_another, record_of, store
from tests.unit.management.commands import run, run_json


def give_up(result):
    """End the record of a task that no worker runs."""
    fail_record(
        store(),
        record_of(result.id).enqueued,
        configured()["default"],
        datetime.now(UTC),
        DeadLettered("a test"),
    )
    return result


def outcome(result):
    result.refresh()
    return result.status, result.attempts


def listed():
    return [
        (row["id"], row["cause"].rpartition(".")[2]) for row in run_json("offload_dead", "list")[1]["records"]
    ]


@pytest.mark.parametrize("characters", [1, 5_000, 310_000])
def test_a_redriven_task_gets_its_exact_arguments_and_ends(both, characters):
    result = give_up(tasks.length.enqueue("é\ud800" + "x" * characters))
    both.run()
    assert listed() == [(result.id, "DeadLettered")]

    assert run("offload_dead", "redrive", result.id) == (0, f"{result.id}  READY again, and sent.\n")

    assert listed() == []
    assert both.run() == 1
    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert result.return_value == characters + 2
    assert listed() == []


def test_what_succeeds_is_never_listed(both):
    tasks.note.enqueue("a")
    both.run()

    assert run_json("offload_dead", "list", "--failed") == (0, {"records": [], "bodies": []})


def test_an_unknown_task_is_given_up_and_runs_after_the_fix(aws, queues, monkeypatch):
    result = tasks.note.enqueue("a")
    with monkeypatch.context() as patch:
        patch.delitem(registry()._tasks, "tests.integration.tasks.note")
        queues.use_up()
        aws.run()
        assert listed() == [(result.id, "UnknownTask")]
        assert run("offload_dead", "redrive", "--cause", "UnknownTask")[0] == 1

    assert run("offload_dead", "redrive", "--cause", "UnknownTask")[0] == 0
    aws.run()

    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert tasks.RUNS == ["a"]


def test_redrive_keeps_the_fence_against_a_worker_of_the_former_life(aws):
    result = tasks.note.enqueue("a")
    claim_by_another(result.id, ago=-SECOND, lease=-MINUTE)
    give_up(result)

    run("offload_dead", "redrive", result.id)
    before = record_of(result.id).fence
    aws.run()

    assert (before, record_of(result.id).fence) == (1, 2)
    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)


@pytest.mark.parametrize("characters", [1, 5_000])
def test_a_dead_letter_without_a_record_keeps_its_arguments(aws, queues, characters):
    with store_with(lambda inner: FailingStore(inner, before="create")):
        result = tasks.length.enqueue("x" * characters)
    assert store().get(result.id) is None
    forget(aws, result, ARGUMENTS_PART)
    queues.use_up()
    aws.run()
    assert listed() == [(result.id, "DeadLettered")]
    assert (store().get_part(result.id, ARGUMENTS_PART) is None) == (characters < INLINE_ARGUMENTS_BYTES)

    run("offload_dead", "redrive", result.id)
    aws.run()

    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert result.return_value == characters


def forget(aws, result, *parts):
    """Delete these parts of a task from the table."""
    for part in parts:
        key = {"id": {"S": result.id}, "part": {"S": part}}
        aws.client("dynamodb").delete_item(TableName=f"{STACK}-tasks", Key=key)


def test_arguments_that_fit_no_more_are_kept_for_another_life(aws, queues, monkeypatch):
    result = tasks.length.enqueue("x" * 5_000)
    body = queues.body()
    forget(aws, result, "record", ARGUMENTS_PART)
    queues.send(body)
    with monkeypatch.context() as patch:
        patch.setitem(
            registry()._tasks, "tests.integration.tasks.length", tasks.retried_with_a_broken_backoff
        )
        aws.run()
    assert listed() == [(result.id, "BadArguments")]

    assert run("offload_dead", "redrive", result.id)[0] == 0
    aws.run()

    assert outcome(result) == (TaskResultStatus.SUCCESSFUL, 1)
    assert result.return_value == 5_000


def test_redriven_arguments_in_the_bucket_live_anew(aws):
    result, puts = give_up(tasks.length.enqueue("x" * 310_000)), []
    client("s3").meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: puts.append(params["url_path"])
    )

    assert run("offload_dead", "redrive", result.id)[0] == 0

    (path,) = puts
    assert path.endswith(record_of(result.id).enqueued.reference.key)


def test_a_task_that_failed_by_itself_is_redriven_by_its_id(both):
    result = tasks.pays.enqueue(card="4711")
    both.run()

    assert listed() == []
    code, output = run("offload_dead", "show", result.id)
    assert (code, "4711" in output) == (0, False)
    assert "ValueError: refused" in output
    assert run("offload_dead", "redrive", result.id)[0] == 0
    both.run()
    assert outcome(result) == (TaskResultStatus.FAILED, 1)


def test_discarded_records_stay_as_they_are_but_for_the_list(aws):
    result = give_up(tasks.note.enqueue("a"))
    before = dict(store().get(result.id))

    assert run("offload_dead", "discard", "--task", "tests.integration.tasks.note")[0] == 0

    after = dict(store().get(result.id))
    assert before.keys() - after.keys() == {"due_at", "due_shard"}
    assert listed() == []


def test_bodies_in_the_bucket_are_listed_shown_and_discarded(aws, queues):
    queues.send('{"v":1,"\u001b[2J')
    queues.use_up()
    aws.run()

    (body,) = run_json("offload_dead", "list")[1]["bodies"]
    code, output = run("offload_dead", "show", body["key"], "--bytes", "100")

    assert (code, output) == (0, '{"v":1,"\\x1b[2J\n')
    assert run("offload_dead", "redrive", body["key"])[0] == 1
    assert run("offload_dead", "discard", "--all") == (0, f"{body['key']}  Discarded.\n")
    assert run_json("offload_dead", "list")[1]["bodies"] == []


def test_the_sweeper_never_touches_a_dead_letter(aws):
    result = give_up(tasks.note.enqueue("a"))
    before = dict(store().get(result.id))

    done = aws.sweep(timedelta(days=20))

    assert done == {}
    assert dict(store().get(result.id)) == before
