"""The doctor finds nothing in a healthy stack, and each problem of project, environment and records."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from django_offload.compat import TASKS
from django_offload.conf import configured
from django_offload.effects.models import Effect
from django_offload.exceptions import DeadLettered
from django_offload.operations.fail import fail_record
from django_offload.outbox.models import OutboxEntry
from django_offload.protocol.transitions import postpone
from tests.contract.setup import STACK
from tests.integration import tasks
from tests.integration.doctor import diagnosis, only
from tests.integration.setup import MINUTE, SECOND, claim_by_another, record_of, store
from tests.unit.management.commands import run


def make_due(task_id, ago):
    due_was = record_of(task_id).due_at
    store().change(task_id, postpone(task_id, due_was=due_was, due_at=datetime.now(UTC) - ago))


def test_a_healthy_stack_has_no_findings(aws):
    tasks.note.enqueue("a")
    aws.run()

    code, findings, report = diagnosis()

    assert (code, findings) == (0, {})
    assert [note["id"] for note in report["notes"]] == ["local"]
    assert report["stacks"] == {STACK: {"oldest_ready": None, "oldest_running": None}}


def test_for_readers_it_says_that_nothing_is_wrong(aws):
    code, output = run("offload_doctor")

    assert code == 0
    assert output.splitlines()[0].startswith(
        "note   Local AWS disables event source mappings and schedule, because"
    )
    assert output.splitlines()[-1] == "No problems found."


def test_the_oldest_ready_and_running_tasks_are_named(aws):
    running, ready = tasks.note.enqueue("a"), tasks.note.enqueue("b")
    tasks.note.enqueue("c")
    claim_by_another(running.id, ago=-SECOND, lease=MINUTE)

    code, _, report = diagnosis()

    oldest = report["stacks"][STACK]
    assert code == 0
    assert (oldest["oldest_ready"]["id"], oldest["oldest_running"]["id"]) == (ready.id, running.id)
    assert (
        f"{STACK}: oldest ready: {ready.id} tests.integration.tasks.note, since 20"
        in run("offload_doctor")[1]
    )


def test_a_task_without_a_message_is_stuck(aws):
    result = tasks.note.enqueue("a")
    make_due(result.id, 10 * MINUTE)

    assert (
        only("overdue-ready")
        == "1 record stayed READY, probably because the message is lost (overdue by up to 10 min): "
        f"{result.id}."
    )


def test_a_task_whose_worker_died_is_stuck_until_the_sweeper_sends_it(aws):
    result = tasks.note.enqueue("a")
    claim_by_another(result.id, ago=-SECOND, lease=-MINUTE)
    make_due(result.id, 10 * MINUTE)

    assert only("overdue-lost").startswith(
        "1 record stayed RUNNING after the worker died (overdue by up to 10 min)"
    )
    assert run("offload_sweep")[0] == 0
    assert diagnosis()[0] == 0


def test_a_running_task_that_nobody_looks_at_tells_of_a_dead_sweeper(aws):
    result = tasks.note.enqueue("a")
    claim_by_another(result.id, ago=-SECOND, lease=10 * MINUTE)
    make_due(result.id, 10 * MINUTE)

    assert only("overdue-running").startswith("1 record stayed RUNNING without a check by the sweeper")


def test_what_the_next_sweep_will_see_is_not_stuck(aws):
    make_due(tasks.note.enqueue("a").id, MINUTE)

    assert diagnosis()[0] == 0


def test_dead_letters_are_counted(aws):
    for value in range(3):
        enqueued = record_of(tasks.note.enqueue(value).id).enqueued
        fail_record(
            store(), enqueued, configured()["default"], datetime.now(UTC), DeadLettered("the test says so")
        )

    assert only("dead-letters") == "The stack has 3 dead letters."


def test_bodies_that_did_not_verify_are_counted(aws, queues):
    queues.send("junk")
    queues.use_up()
    aws.run()

    assert only("refused-bodies") == "The bucket contains 1 message that failed verification."


def test_a_middleware_that_is_missing(aws, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "offload" not in name]

    assert only("W020").startswith("Tasks have no owner")


def test_an_environment_of_another_stack(aws, monkeypatch):
    monkeypatch.setenv("OFFLOAD_STACK", "shop-live")

    assert (
        only("other-environment")
        == f"OFFLOAD_STACK is 'shop-live' in this environment, but TASKS names {STACK}."
    )


def test_tasks_that_wait_in_the_outbox(aws):
    now = datetime.now(UTC)
    for number, ago in enumerate([timedelta(0), MINUTE, 5 * MINUTE]):
        OutboxEntry.objects.create(id=f"{number}", alias="gone", birth="{}", created_at=now - ago)

    assert only("outbox-waits") == "1 committed task waits unsent in the outbox."


@pytest.mark.parametrize("model", [OutboxEntry, Effect])
def test_an_app_without_its_table(aws, model):
    table = model._meta.db_table
    with connection.schema_editor() as editor:
        editor.alter_db_table(model, table, f"{table}_away")
    try:
        output = only("table-of-app-missing")
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(model, f"{table}_away", table)

    assert (
        output == f"The table of {model.__module__.rpartition('.')[0]} can't be read: no such table: {table}."
    )


def test_without_a_backend_of_ours_it_says_which_to_add(settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.dummy.DummyBackend"}}

    code, output = run("offload_doctor")

    assert (code, output.split(".")[0]) == (2, "TASKS has no django_offload backend")
