"""What staff and sweepers do to many tasks, in virtual time: at least 3,000 a second, and few calls each."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from django_offload.conf import configured
from django_offload.operations.cancel import cancel_many
from django_offload.operations.dead_letters import DeadLetterFilter, act_on_all
from django_offload.outbox import drain as outbox
from django_offload.outbox.models import OutboxEntry
from tests.benchmarks.many_together import (
    PAGE,
    create_dead_letters,
    create_records,
    enqueued_tasks,
)
from tests.benchmarks.site import offload
from tests.benchmarks.virtual_time import START, VirtualQueues, VirtualStore, virtual_aws

TASKS, FASTEST = 1_000, 3_000


@pytest.fixture(params=[2, 32])
def aws(
    request: pytest.FixtureRequest, settings: Any, sqlite_database: Any
) -> Iterator[tuple[VirtualStore, VirtualQueues]]:
    settings.TASKS = {"default": offload(shards=request.param)}
    with virtual_aws(configured()["default"]) as made:
        yield made


def test_dead_letters_are_redriven_fast(aws: tuple[VirtualStore, VirtualQueues]) -> None:
    store, transport = aws
    tasks = enqueued_tasks(TASKS)
    create_dead_letters(store, tasks)

    results = list(act_on_all("redrive", DeadLetterFilter(), store.time.clock))

    assert [result.id for result in results] == [enqueued.id for enqueued in tasks], "the oldest first"
    assert {result.text for result in results} == {"READY again, and sent."}
    assert transport.counts("default")["waiting"] == TASKS
    assert TASKS / store.time.seconds >= FASTEST
    assert store.time.calls["UpdateItem"] == TASKS
    assert store.time.calls["BatchGetItem"] == TASKS / PAGE
    assert store.time.calls["SendMessageBatch"] == TASKS / 10
    assert sum(store.time.calls.values()) <= 1.25 * TASKS


def test_tasks_are_cancelled_fast(aws: tuple[VirtualStore, VirtualQueues]) -> None:
    store, _ = aws
    tasks, options = enqueued_tasks(TASKS), configured()["default"]
    create_records(store, tasks)

    for first in range(0, TASKS, PAGE):
        page = [(enqueued, options) for enqueued in tasks[first : first + PAGE]]
        cancelled = cancel_many(store, page, store.time.clock())
        assert all(getattr(record, "status", None) == "FAILED" for record in cancelled)

    assert TASKS / store.time.seconds >= FASTEST
    assert store.time.calls == {"UpdateItem": TASKS}


def test_the_outbox_is_drained_fast_with_few_statements(aws: tuple[VirtualStore, VirtualQueues]) -> None:
    store, transport = aws
    call_command("migrate", "offload_outbox", verbosity=0)
    outbox.put_many(enqueued_tasks(TASKS))
    store.time.calls.clear()
    store.time.seconds = 0.0

    assert outbox.drain(START, lambda: 60.0) == TASKS

    assert not OutboxEntry.objects.exists()
    assert len(store.records) == transport.counts("default")["waiting"] == TASKS
    assert TASKS / store.time.seconds >= FASTEST
    assert store.time.calls.pop("statements") <= 0.1 * TASKS
    assert store.time.calls == {"PutItem": TASKS, "SendMessageBatch": TASKS / 10}
