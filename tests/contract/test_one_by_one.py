"""Messages one by one: the last write of a task is under way together with the claim of the next."""

import pytest

from django_offload.compat import signals
from django_offload.testing import Invocation, Offload
from django_offload.worker import batch
from tests.contract import tasks
from tests.contract.waiting import event_of_all, positions_of
from tests.faults import Unreachable, WrappedStore, store_with
from tests.older_code import enqueued_by_older_code

OF_ONE = ["begin claim", "end claim", "begin succeed", "end succeed"]


class NotedStore(WrappedStore):
    """Records when a write starts and ends. The end of the write named `lost` fails."""

    def __init__(self, inner, lost=""):
        super().__init__(inner)
        self.steps, self._lost = [], lost

    def begin_change(self, task_id, change):
        self.steps.append(f"begin {change.name}")
        end, lost = self.inner.begin_change(task_id, change), change.name == self._lost
        self._lost = "" if lost else self._lost

        def ended():
            self.steps.append(f"end {change.name}")
            if lost:
                raise Unreachable("no answer")
            return end()

        return ended


@pytest.fixture
def backend():
    return "SQSBackend"


def work(offloaded, **lost):
    """Pass all waiting messages to the worker; return the steps of its writes, and which ones it returns."""
    event, stores = event_of_all(offloaded), []
    with store_with(lambda inner: stores.append(NotedStore(inner, **lost)) or stores[0]):
        result = batch.handler(event, Invocation("contract-default-worker"))
    return stores[0].steps, positions_of(event, result)


def test_the_next_claim_starts_before_the_last_write_is_waited_for(offloaded):
    results = [tasks.echo.enqueue(number) for number in range(2)]

    steps, failures = work(offloaded)

    assert steps == [*OF_ONE[:3], "begin claim", "end succeed", "end claim", *OF_ONE[2:]]
    assert failures == []
    assert [tasks.echo.get_result(result.id).status for result in results] == ["SUCCESSFUL"] * 2


def test_task_finished_is_sent_before_the_next_task_started(offloaded):
    sent = []

    def finished(task_result, **kwargs):
        sent.append(("finished", task_result.args[0], task_result.status))

    def started(task_result, **kwargs):
        sent.append(("started", task_result.args[0], task_result.status))

    signals.task_finished.connect(finished)
    signals.task_started.connect(started)
    try:
        for number in range(2):
            tasks.echo.enqueue(number)
        work(offloaded)
    finally:
        signals.task_finished.disconnect(finished)
        signals.task_started.disconnect(started)

    assert sent == [
        (what, number, status)
        for number in range(2)
        for what, status in (("started", "RUNNING"), ("finished", "SUCCESSFUL"))
    ]


def test_a_lost_response_to_the_last_write_returns_only_its_own_message(offloaded):
    first, second = tasks.answer.enqueue(), tasks.answer.enqueue()

    _, failures = work(offloaded, lost="succeed")

    assert failures == [0]
    # In memory a write happens when it is waited for. Through AWS it has happened, and its response was lost.
    status = "RUNNING" if isinstance(offloaded, Offload) else "SUCCESSFUL"
    assert tasks.answer.get_result(first.id).status == status
    assert tasks.answer.get_result(second.id).status == "SUCCESSFUL"


def test_the_last_write_finishes_although_the_next_message_is_not_claimed(offloaded):
    tasks.answer.enqueue()
    enqueued_by_older_code(tasks.answer, "one too many")

    steps, failures = work(offloaded)

    assert [step for step in steps if "abandon" not in step] == OF_ONE
    assert failures == []
