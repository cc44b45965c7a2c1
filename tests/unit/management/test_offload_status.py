"""offload_status counts waiting messages, due records and dead letters."""

from datetime import UTC, datetime, timedelta

import pytest

from django_offload.compat import TASKS
from django_offload.conf import configured
from django_offload.exceptions import DeadLettered
from django_offload.management.commands import offload_status
from django_offload.operations.fail import fail_record
from django_offload.protocol.record import read_record
from django_offload.protocol.transitions import postpone
from django_offload.stores import store_of
from tests.contract.setup import STACK
from tests.unit import tasks
from tests.unit.management.commands import run, run_json


@pytest.fixture
def aws(ours, request):
    return request.getfixturevalue("offload_aws")


def send_junk(aws, queue):
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=f"{STACK}-{queue}")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="junk")


def test_each_queue_is_a_row(aws):
    tasks.double.enqueue(1)
    tasks.double.using(run_after=datetime.now(UTC) + timedelta(minutes=5)).enqueue(2)

    code, output = run("offload_status")

    assert code == 0
    assert output.splitlines() == [
        f"stack {STACK}, records due: 0, given up: 0",
        "queue    waiting  delayed  in flight  dead letters",
        "default        1        1          0             0",
        "reports        0        0          0             0",
    ]


def test_for_programs_it_is_data(aws):
    store, result = store_of(configured()["default"]), tasks.double.enqueue(1)
    due_was, now = read_record(store.get(result.id)).due_at, datetime.now(UTC)
    store.change(result.id, postpone(result.id, due_was=due_was, due_at=now - timedelta(minutes=1)))

    code, (output,) = run_json("offload_status")

    assert (code, output["stack"], output["due"], output["given_up"]) == (0, STACK, 1, 0)
    assert output["queues"][0] == {"queue": "default", "waiting": 1, "delayed": 0, "in_flight": 0, "dead": 0}


def test_what_was_given_up_is_wrong(aws):
    store, options = store_of(configured()["default"]), configured()["default"]
    enqueued = read_record(store.get(tasks.double.enqueue(1).id)).enqueued
    fail_record(store, enqueued, options, datetime.now(UTC), DeadLettered("the test says so"))

    code, (output,) = run_json("offload_status")

    assert (code, output["given_up"], output["due"]) == (1, 1, 0)


def test_dead_letters_that_wait_are_wrong(aws):
    send_junk(aws, "reports-dead")

    code, (output,) = run_json("offload_status")

    assert (code, output["queues"][1]["dead"]) == (1, 1)


def test_readers_are_told_why_the_exit_code_is_not_0_and_what_to_type(aws):
    store, options = store_of(configured()["default"]), configured()["default"]
    enqueued = read_record(store.get(tasks.double.enqueue(1).id)).enqueued
    fail_record(store, enqueued, options, datetime.now(UTC), DeadLettered("the test says so"))
    send_junk(aws, "reports-dead")

    code, output = run("offload_status")

    assert code == 1
    assert output.splitlines()[-4:] == [
        f"exit code 1: 1 task of {STACK} was given up.",
        "  → See why: manage.py offload_dead list. Then send it again: manage.py offload_dead redrive.",
        f"exit code 1: 1 dead letter of queue reports of {STACK} waits for its function.",
        "  → See why: manage.py offload_doctor.",
    ]


def test_a_missing_queue_is_said_with_what_to_do(aws, settings):
    settings.TASKS["default"]["QUEUES"] = ["default", "reports", "photos"]
    settings.TASKS = {"default": settings.TASKS["default"]}

    code, output = run("offload_status")

    assert code == 2
    assert output.startswith(
        f"TASKS['default']: The queue '{STACK}-photos' does not exist in the AWS account"
    )
    assert "manage.py offload_local" in output


def test_without_a_backend_of_ours_it_says_which_to_add(settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.dummy.DummyBackend"}}

    code, output = run("offload_status")

    assert (code, output.split(".")[0]) == (2, "TASKS has no django_offload backend")


def test_a_count_that_stopped_has_a_plus(aws, monkeypatch):
    monkeypatch.setattr(offload_status, "MOST_COUNTED", 3)
    store, options = store_of(configured()["default"]), configured()["default"]
    for number in range(5):
        enqueued = read_record(store.get(tasks.double.enqueue(number).id)).enqueued
        fail_record(store, enqueued, options, datetime.now(UTC), DeadLettered("the test says so"))

    _, output = run("offload_status")

    assert f"stack {STACK}, records due: 0, given up: 3+" in output
    assert f"exit code 1: 3+ tasks of {STACK} were given up." in output
