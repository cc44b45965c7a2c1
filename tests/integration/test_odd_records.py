"""A record with values of another writer in DynamoDB: every reader says so, and serves its neighbours."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from django.core.management import CommandError
from django.test import Client
from django.urls import reverse

from django_offload.compat import TaskResultDoesNotExist, default_task_backend
from django_offload.conf import configured
from django_offload.exceptions import OffloadError
from django_offload.http import status_url
from tests.integration import tasks
from tests.unit.management.commands import run
from tests.unit.worker.test_odd_records import FIELDS, TYPED

BOARD = "admin:django_offload_task_changelist"
MINUTES = timedelta(minutes=6)
SEED, RECORDS = 16, 24


def write(aws, task_id, name, typed, part="record"):
    """Write an attribute as somebody with rights to the table can. Return False if DynamoDB refuses it."""
    try:
        aws.client("dynamodb").update_item(
            TableName=configured()["default"].table,
            Key={"id": {"S": task_id}, "part": {"S": part}},
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues={":value": typed},
        )
    except ClientError:
        return False
    return True


@pytest.fixture
def odd_ids(aws):
    """Return the ids of records with an odd value each, in every state."""
    # DynamoDB refuses a key of an index that isn't a number, which moto accepts.
    keys = {"id": "", "part": "", "due_at": "N", "due_shard": "N"}
    pairs = [(name, typed) for name in FIELDS for typed in TYPED if name not in keys or keys[name] in typed]
    chosen = random.Random(SEED).sample(pairs, RECORDS)
    ended = [tasks.note.enqueue("a").id for _ in range(RECORDS // 2)]
    for _ in ended[::3]:
        aws.fail_next(ValueError("no"))
    aws.run()
    waiting = [tasks.note.enqueue("a").id for _ in range(RECORDS - len(ended))]
    pairs_by_id = zip([*ended, *waiting], chosen, strict=True)
    ids = [task_id for task_id, pair in pairs_by_id if write(aws, task_id, *pair)]
    write(aws, ids[0], "errors", {"L": [{"S": "error#0001"}]})
    for part, typed in (("error#0001", {"S": "[]"}), ("arguments", {"N": "1"}), ("result", {"S": "{"})):
        write(aws, ids[0], "text", typed, part)
    assert len(ids) > RECORDS / 2
    return ids


def test_no_reader_fails_over_a_record_of_another_writer(aws, odd_ids, staff, caplog):
    good = tasks.note.enqueue("good")

    answers = [read_one(staff, task_id) for task_id in odd_ids]

    assert {status for statuses in answers for status in statuses} <= {200, 404, 503}
    assert sum(404 in statuses for statuses in answers) > 3
    for name in ("failed", "dead", "underway", "deferred"):
        answer = staff.get(f"{reverse(BOARD)}?list={name}")
        assert answer.status_code == 200
        assert (good.id in answer.content.decode()) is (name == "underway")
    for command in ("offload_status", "offload_doctor", "offload_sweep"):
        run(command, "--json")
    run("offload_dead", "list", "--failed", "--json")
    assert "Something other than django-offload has written it." in caplog.text
    aws.run()
    assert default_task_backend.get_result(good.id).status == "SUCCESSFUL"


def read_one(staff, task_id):
    """Read a record by its id wherever somebody can. Return the states of the answers over HTTP."""
    with suppress(OffloadError, TaskResultDoesNotExist):
        default_task_backend.get_result(task_id)
    addresses = [
        status_url(task_id),
        reverse("django_offload:progress", args=[task_id]),
        reverse("admin:django_offload_task_change", args=[task_id]),
    ]
    for arguments in (("offload_result", task_id), ("offload_dead", "show", task_id)):
        with suppress(CommandError):
            run(*arguments)
    anonymous = Client().get(reverse("django_offload:status", args=[task_id]))
    cancelled = staff.post(reverse("django_offload:cancel", args=[task_id]))
    assert cancelled.status_code in {202, 404, 409}
    return [anonymous.status_code, *(staff.get(address).status_code for address in addresses)]


def test_the_sweeper_puts_off_what_it_cannot_read_and_sends_the_others(aws, odd_ids):
    result = tasks.note.enqueue("lost")
    sqs = aws.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName="contract-default")["QueueUrl"])

    first, second = aws.sweep(MINUTES), aws.sweep(MINUTES)

    assert first["failed"] > second.get("failed", 0)
    assert first["sent"] >= 1
    aws.run()
    assert default_task_backend.get_result(result.id).status == "SUCCESSFUL"
