"""Tasks that are recorded and whose messages AWS did not take: the next sweep sends them into any queue."""

from datetime import timedelta

import pytest

from django_offload import stores, transports
from django_offload.sending.enqueue import send, send_many
from tests.faults import FailingStore, FailingTransport
from tests.unit.worker.test_sweep import fill, waiting


def send_one_by_one(enqueued_tasks, options):
    for enqueued in enqueued_tasks:
        send(enqueued, options)


@pytest.fixture
def refusing(stage, exits):
    """Let a stack's transport refuse the first message it is given."""
    exits.enter_context(transports.use(stage.options.stack, FailingTransport(stage.transport)))


@pytest.mark.parametrize("sends", [send_one_by_one, send_many])
def test_what_was_not_taken_is_sent_by_the_next_sweep_into_a_deep_queue(stage, enqueued, refusing, sends):
    fill(stage, 50)
    enqueued_tasks = [enqueued(number) for number in range(3)]
    sends(enqueued_tasks, stage.options)
    assert waiting(stage) == 52

    stage.now += timedelta(minutes=1)

    assert stage.sweep() == {"sent": 1}
    assert waiting(stage) == 53
    assert [stage.record(one).sends for one in enqueued_tasks] == [0, 0, 0]


def test_a_task_is_accepted_though_the_sweeper_cannot_be_told(stage, enqueued, refusing, exits):
    exits.enter_context(stores.use(stage.options.stack, FailingStore(stage.store, before="postpone")))

    send(enqueued(), stage.options)

    stage.now += timedelta(minutes=6)
    assert stage.sweep() == {"sent": 1}
