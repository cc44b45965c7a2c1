"""A schedule strikes: the sweeper's function enqueues what TASKS declares, once for each time."""

import json
from datetime import timedelta

import pytest

from django_offload.compat import signals
from django_offload.exceptions import EnqueueFailed, UnknownEvent
from django_offload.local.aws.schedule import Rule, make_event
from django_offload.protocol.record import READY, SUCCESSFUL
from django_offload.stack.schedules import event_text
from django_offload.testing import Invocation, sweep_event
from django_offload.worker.sweep import handler
from tests.contract.records import NOW, create_record
from tests.contract.setup import tasks_setting

pytestmark = pytest.mark.django_db

NIGHTLY = {"task": "tests.unit.tasks.double", "when": "cron(0 3 * * ? *)", "args": [4]}


@pytest.fixture
def declared(settings, stage):
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"], schedules={"nightly": NIGHTLY})
    return stage


def struck(at=NOW, name="nightly", alias="default"):
    """Return the event that a schedule's text becomes."""
    rule = Rule(arn="", period=timedelta(days=1), function_arn="", input=event_text(alias, name))
    return json.loads(make_event(rule, at))


def records(stage):
    """Return the records of tasks, without the states of schedules."""
    return [record for task_id, record in stage.store.records.items() if not task_id.startswith("p:")]


def enqueue_scheduled(stage, event):
    return handler(event, Invocation("shop-sweeper"), stage.clock)


def test_what_a_schedule_declares_is_enqueued_and_runs(declared):
    assert enqueue_scheduled(declared, struck()) == {"enqueued": 1}

    (seen,) = records(declared)
    assert (seen["status"], seen["name"]) == (READY, "tests.unit.tasks.double")
    (delivery,) = declared.transport.receive("default", 1)
    assert declared.answer(declared.worker(), delivery) is None
    (seen,) = records(declared)
    assert (seen["status"], seen["result"]) == (SUCCESSFUL, "8")


def test_one_time_is_one_task_however_often_it_is_told(declared):
    for _ in range(3):
        enqueue_scheduled(declared, struck())
    enqueue_scheduled(declared, struck(NOW + timedelta(days=1)))

    assert len(records(declared)) == 2


def test_those_who_listen_for_enqueued_tasks_hear_of_it(declared):
    heard = []

    def listen(sender, task_result, **kwargs):
        heard.append((sender.__name__, task_result.task.name, task_result.args))

    signals.task_enqueued.connect(listen)
    try:
        enqueue_scheduled(declared, struck())
    finally:
        signals.task_enqueued.disconnect(listen)

    assert heard == [("SQSBackend", "double", [4])]


@pytest.mark.parametrize(
    "event",
    [
        struck(name="hourly"),
        struck(alias="elsewhere"),
    ],
)
def test_what_names_no_schedule_of_tasks_runs_nothing(declared, event):
    with pytest.raises(UnknownEvent, match="those of schedules that TASKS declares"):
        enqueue_scheduled(declared, event)

    assert not declared.store.records
    assert declared.transport.receive("default", 1) == []


def test_where_aws_takes_nothing_the_event_fails_so_that_lambda_repeats_it(declared, monkeypatch):
    with monkeypatch.context() as outage:
        outage.setattr(declared.transport, "send", lambda *message: 1 / 0)
        outage.setattr(declared.store, "change", lambda *change: 1 / 0)
        with pytest.raises(EnqueueFailed):
            enqueue_scheduled(declared, struck())

    assert enqueue_scheduled(declared, struck()) == {"enqueued": 1}
    assert len(records(declared)) == 1


def test_the_event_of_its_own_rule_sweeps(declared, enqueued):
    create_record(declared.store, enqueued())
    declared.now = NOW + timedelta(minutes=6)

    assert enqueue_scheduled(declared, sweep_event("shop-sweeper", declared.now)) == {"sent": 1}
