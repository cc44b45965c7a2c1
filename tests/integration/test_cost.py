"""What a task costs on its way to success: the calls to AWS, counted."""

import json
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest

from django_offload.conf import CLIENTS
from tests.calls import watched
from tests.contract.setup import STACK, tasks_setting
from tests.integration import tasks
from tests.integration.setup import MODULES, event_of, work_at


@contextmanager
def counted():
    """Count what this process's own clients call."""
    found = Counter()
    with watched(lambda service, name, arguments: found.update([f"{service}:{name}"])):
        yield found


@pytest.fixture(params=CLIENTS)
def aws(request, settings, clean_trace, transactional_db):
    """AWS on this machine, called by each client."""
    settings.TASKS = tasks_setting(modules=MODULES, client=request.param)
    return request.getfixturevalue("offload_aws")


@pytest.fixture
def warm(aws):
    """Names are looked up once per process: let that be over."""
    tasks.note.enqueue("first")
    tasks.note.using(backend="other").enqueue("first")
    aws.run()
    tasks.RUNS.clear()
    return aws


def test_to_enqueue_is_one_write_and_one_send(warm):
    with counted() as calls:
        tasks.note.enqueue("a")

    assert calls == {"dynamodb:PutItem": 1, "sqs:SendMessage": 1}


def test_to_enqueue_many_is_one_write_each_and_one_send_for_ten(warm):
    with counted() as calls:
        answers = list(tasks.note.enqueue_many((str(number),) for number in range(123)))

    assert len(answers) == 123
    assert calls == {"dynamodb:PutItem": 123, "sqs:SendMessageBatch": 10 + 3}


def test_to_enqueue_many_through_lambda_is_one_write_and_one_invocation_each(warm):
    with counted() as calls:
        list(tasks.note.using(backend="other").enqueue_many([("a",), ("b",), ("c",)]))

    assert calls == {"dynamodb:PutItem": 3, "lambda:Invoke": 3}


def test_without_a_record_at_enqueue_there_is_one_send(aws, settings):
    found = settings.TASKS
    found["default"]["OPTIONS"]["record_at_enqueue"] = False
    settings.TASKS = {**found}
    tasks.note.enqueue("first")

    with counted() as calls:
        tasks.note.enqueue("a")
        list(tasks.note.enqueue_many([("b",), ("c",)]))

    assert calls == {"sqs:SendMessage": 1, "sqs:SendMessageBatch": 1}


def test_to_enqueue_through_lambda_is_one_write_and_one_invocation(warm):
    with counted() as calls:
        tasks.note.using(backend="other").enqueue("a")

    assert calls == {"dynamodb:PutItem": 1, "lambda:Invoke": 1}


def test_the_first_enqueue_of_a_process_looks_up_one_name(aws):
    with counted() as calls:
        tasks.note.enqueue("a")

    assert calls == {"dynamodb:PutItem": 1, "sqs:SendMessage": 1, "sqs:GetQueueUrl": 1}


def test_a_process_of_the_stack_looks_up_nothing(aws, queues, monkeypatch):
    monkeypatch.setenv("OFFLOAD_STACK", STACK)
    monkeypatch.setenv("OFFLOAD_QUEUE_URLS", json.dumps({"default": queues.url()}))

    with counted() as calls:
        tasks.note.enqueue("a")

    assert calls == {"dynamodb:PutItem": 1, "sqs:SendMessage": 1}


def test_a_function_of_the_stack_writes_by_updates_alone(warm, monkeypatch):
    monkeypatch.setenv("OFFLOAD_WRITES", "update")

    with counted() as calls:
        tasks.length.enqueue("x" * 1_000)
        list(tasks.note.enqueue_many([("a",), ("b",)]))

    assert calls == {"dynamodb:UpdateItem": 4, "sqs:SendMessage": 1, "sqs:SendMessageBatch": 1}


def test_to_work_is_two_writes_and_no_read(warm, queues):
    tasks.note.enqueue("a")
    event = event_of(queues.take())

    with counted() as calls:
        assert work_at(timedelta(0), event) == {"batchItemFailures": []}

    assert tasks.RUNS == ["a"]
    assert calls == {"dynamodb:UpdateItem": 2}


def test_to_fail_is_one_write_more(warm, queues):
    tasks.note.enqueue("a")
    event = event_of(queues.take())
    warm.fail_next(ValueError("no"))

    with counted() as calls:
        work_at(timedelta(0), event)

    assert calls == {"dynamodb:UpdateItem": 3}


def test_arguments_beside_the_record_cost_one_write_more(warm, queues):
    with counted() as calls:
        tasks.length.enqueue("x" * 1_000)
    event = event_of(queues.take())
    with counted() as worked:
        work_at(timedelta(0), event)

    assert calls == {"dynamodb:PutItem": 1, "dynamodb:UpdateItem": 1, "sqs:SendMessage": 1}
    assert worked == {"dynamodb:UpdateItem": 2}


def test_to_read_a_result_is_one_read(warm):
    result = tasks.note.enqueue("a")

    with counted() as calls:
        result.refresh()

    assert calls == {"dynamodb:GetItem": 1}


def test_to_read_a_result_with_parts_is_one_read_for_each_of_its_own(warm):
    result = tasks.length.enqueue("x" * 1_000)
    warm.fail_next(ValueError("no"))
    warm.run()

    with counted() as calls:
        result.refresh()

    assert (result.args, len(result.errors)) == (["x" * 1_000], 1)
    assert calls == {"dynamodb:GetItem": 3}


def test_to_import_and_to_make_a_backend_calls_nothing(aws):
    from django_offload.compat import task_backends

    with counted() as calls:
        for alias in ("default", "other"):
            backend = task_backends.create_connection(alias)
            assert backend.check() == []
            backend.validate_task(tasks.note)

    assert calls == {}
