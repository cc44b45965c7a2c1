"""One message after the other: the last write of one is under way together with the claim of the next."""

import pytest
from django.tasks.signals import task_finished, task_started

from django_offload.testing import Invocation, Offload
from django_offload.worker import batch
from tests.contract import tasks
from tests.contract.waiting import event_of_all, places_of
from tests.faults import Unreachable, WrappedStore, store_with

OF_ONE = ["begin claim", "end claim", "begin succeed", "end succeed"]


class NotedStore(WrappedStore):
    """Notes when a write begins and ends; the end of one that is `lost` fails."""

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
    """Hand all that waits to the worker as a batch; return the steps of its writes, and whom it names."""
    event, stores = event_of_all(offloaded), []
    with store_with(lambda inner: stores.append(NotedStore(inner, **lost)) or stores[0]):
        said = batch.handler(event, Invocation("contract-default-worker"))
    return stores[0].steps, places_of(event, said)


def test_the_next_is_claimed_before_the_last_write_of_the_one_before_is_waited_for(offloaded):
    results = [tasks.echo.enqueue(number) for number in range(2)]

    steps, failures = work(offloaded)

    assert steps == [*OF_ONE[:3], "begin claim", "end succeed", "end claim", *OF_ONE[2:]]
    assert failures == []
    assert [tasks.echo.get_result(result.id).status for result in results] == ["SUCCESSFUL"] * 2


def test_one_is_told_to_have_finished_before_the_next_is_told_to_have_started(offloaded):
    told = []

    def finished(task_result, **kwargs):
        told.append(("finished", task_result.args[0], task_result.status))

    def started(task_result, **kwargs):
        told.append(("started", task_result.args[0], task_result.status))

    task_finished.connect(finished)
    task_started.connect(started)
    try:
        for number in range(2):
            tasks.echo.enqueue(number)
        work(offloaded)
    finally:
        task_finished.disconnect(finished)
        task_started.disconnect(started)

    assert told == [
        (what, number, status)
        for number in range(2)
        for what, status in (("started", "RUNNING"), ("finished", "SUCCESSFUL"))
    ]


def test_a_last_write_without_an_answer_is_its_own_messages_matter(offloaded):
    first, second = tasks.answer.enqueue(), tasks.answer.enqueue()

    _, failures = work(offloaded, lost="succeed")

    assert failures == [0]
    # In memory a write is made once it is waited for; through AWS it was made, and its answer lost.
    made = "RUNNING" if isinstance(offloaded, Offload) else "SUCCESSFUL"
    assert tasks.answer.get_result(first.id).status == made
    assert tasks.answer.get_result(second.id).status == "SUCCESSFUL"


def test_what_comes_to_no_claim_ends_what_was_before_it(offloaded):
    tasks.answer.enqueue()
    tasks.answer.enqueue("one too many")

    steps, failures = work(offloaded)

    assert steps[:4] == OF_ONE
    assert failures == []
