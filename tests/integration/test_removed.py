"""What a deployment changes under the tasks that are under way."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from django_offload.compat import TaskResultDoesNotExist, TaskResultStatus, default_task_backend
from django_offload.conf import configured
from django_offload.exceptions import UnknownTask
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.json_codec import dump
from django_offload.sending.enqueue import send
from tests.contract.setup import tasks_setting
from tests.integration import tasks
from tests.integration.setup import event_of, record_of, work_at


def test_the_status_of_a_removed_task_can_be_read(both, settings, staff):
    result = tasks.note.enqueue("a")
    both.run()
    settings.TASKS = tasks_setting(modules=[])

    answer = staff.get(reverse("django_offload:status", args=[result.id]))

    assert answer.status_code == 200
    assert answer.json()["status"] == "SUCCESSFUL"
    assert answer.json()["return_value"] == "a"
    with pytest.raises(UnknownTask, match="If you renamed it, add the old name to its aliases"):
        default_task_backend.get_result(result.id)
    with pytest.raises(UnknownTask):
        result.refresh()


def test_the_result_of_a_task_on_a_removed_queue_can_be_read(both, settings, staff):
    result = tasks.note.using(queue_name="reports").enqueue("a")
    both.run()
    only = {alias: params | {"QUEUES": ["default"]} for alias, params in settings.TASKS.items()}
    settings.TASKS = only

    found = default_task_backend.get_result(result.id)

    assert (found.status, found.return_value) == (TaskResultStatus.SUCCESSFUL, "a")
    status = staff.get(reverse("django_offload:status", args=[result.id])).json()
    assert (status["queue"], status["return_value"]) == ("reports", "a")


def test_the_result_of_a_removed_backend_can_be_read(aws, settings):
    result = tasks.note.using(backend="other").enqueue("a")
    aws.run()
    settings.TASKS = {"default": settings.TASKS["default"]}

    assert default_task_backend.get_result(result.id).return_value == "a"


def test_a_message_of_a_removed_backend_is_worked_on(aws, settings):
    result = tasks.note.using(backend="other").enqueue("a")
    settings.TASKS = {"default": settings.TASKS["default"]}

    aws.run()

    assert default_task_backend.get_result(result.id).return_value == "a"


def test_a_message_of_a_backend_that_has_another_alias_now_is_worked_on(aws, settings, queues):
    tasks.note.enqueue("a")
    event = event_of(queues.take())
    settings.TASKS = {"renamed": settings.TASKS["default"]}

    assert work_at(timedelta(0), event) == {"batchItemFailures": []}

    assert tasks.RUNS == ["a"]


def test_a_removed_tasks_message_waits_for_code_that_knows_it(aws, settings, queues):
    result = tasks.note.enqueue("a")
    event = event_of(queues.take())
    before = settings.TASKS
    settings.TASKS = tasks_setting(modules=[])

    assert work_at(timedelta(0), event)["batchItemFailures"] != []
    assert record_of(result.id).status == "READY"

    settings.TASKS = before
    assert work_at(timedelta(0), event) == {"batchItemFailures": []}
    assert tasks.RUNS == ["a"]


def test_messages_and_records_say_the_stable_name(aws):
    result = tasks.renamed.enqueue(5)

    aws.run()

    result.refresh()
    assert result.return_value == 5
    assert record_of(result.id).enqueued.name == "orders.send"


def test_a_message_of_an_older_name_is_found_by_the_alias(aws):
    enqueued = EnqueuedTask(
        id="5" * 32,
        alias="default",
        name="orders.mail",
        queue="default",
        arguments=dump([[5], {}]),
        enqueued_at=datetime.now(UTC),
    )
    send(enqueued, configured()["default"])

    aws.run()

    assert default_task_backend.get_result(enqueued.id).return_value == 5


def test_a_message_signed_with_the_secret_before_the_rotation_is_taken(both, settings):
    settings.SECRET_KEY = "the old one"
    result = tasks.note.enqueue("a")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the new one", ["the old one"]

    assert both.run() == 1

    result.refresh()
    assert result.return_value == "a"


def test_a_message_signed_with_an_unknown_secret_waits_for_it(aws, settings, queues):
    settings.SECRET_KEY = "the webs"
    tasks.note.enqueue("a")
    event = event_of(queues.take())
    settings.SECRET_KEY = "the workers"

    assert work_at(timedelta(0), event)["batchItemFailures"] != []
    assert tasks.RUNS == []

    settings.SECRET_KEY_FALLBACKS = ["the webs"]
    assert work_at(timedelta(0), event) == {"batchItemFailures": []}
    assert tasks.RUNS == ["a"]


def test_a_result_is_hidden_after_its_time(aws):
    result = tasks.note.using(result_ttl=0.001).enqueue("a")
    aws.run()
    hidden_at = record_of(result.id).hidden_at

    while datetime.now(UTC) <= hidden_at:  # A millisecond.
        continue

    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(result.id)
    assert record_of(result.id).status == "SUCCESSFUL"
