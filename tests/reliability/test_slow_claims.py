"""A claim that takes the time of its task: the task is not failed for it."""

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from django_offload.protocol.conditional_write import ConditionalWrite
from django_offload.protocol.record import FAILED, READY, read_record
from django_offload.protocol.transitions import ask_to_stop, claim
from django_offload.testing import Invocation, Offload, sqs_event
from django_offload.transports import Delivery
from django_offload.worker import batch
from tests.contract.setup import STACK, tasks_setting
from tests.reliability import tasks


class Draining:
    """Lambda's context of an invocation whose time a slow claim takes."""

    log_stream_name = "2026/11/22/[$LATEST]0123456789abcdef"

    def __init__(self, function_name: str) -> None:
        self.function_name, self.seconds = function_name, 10.0
        self.invoked_function_arn = Invocation(function_name).invoked_function_arn

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


@pytest.fixture
def site(settings: Any, request: pytest.FixtureRequest) -> Offload:
    settings.TASKS = tasks_setting(modules=["tests.reliability.tasks"])
    tasks.executions.clear()
    found: Offload = request.getfixturevalue("offload")
    return found


def work_slowly(site: Offload, delivery: Delivery, left: float, stop: str = "") -> Any:
    """Work on a delivery whose claim leaves so many seconds; `stop` is cancelled meanwhile."""
    context, store = Draining(f"{STACK}-default-worker"), site.stores[STACK]
    change = store.change

    def slowly(*args: Any) -> Any:
        if args[1].name != "claim":
            return change(*args)
        context.seconds = left
        before = change(*args)
        if stop:
            change(stop, ask_to_stop())
        return before

    with mock.patch.object(store, "change", slowly):
        return batch.handler(sqs_event([delivery], f"{STACK}-default"), context, site.clock)


@pytest.mark.parametrize(("left", "starts"), [(6.1, True), (5.9, False), (2.0, False), (0.1, False)])
def test_a_task_starts_with_the_time_it_needs_or_comes_again(
    site: Offload, left: float, starts: bool
) -> None:
    result = tasks.five_seconds.using(max_attempts=1).enqueue(7)
    (delivery,) = site.transports[STACK].receive("default")

    said = work_slowly(site, delivery, left)

    assert (tasks.executions == [7]) is starts
    assert (said == {"batchItemFailures": []}) is starts
    if starts:
        site.transports[STACK].delete(delivery)
    site.run()
    result.refresh()
    assert result.return_value == 7
    assert tasks.executions == [7]


def test_a_claim_that_came_too_late_is_no_attempt(site: Offload) -> None:
    result = tasks.five_seconds.enqueue(7)
    store = site.stores[STACK]
    store.change(result.id, claim_of_a_worker_that_died())
    (delivery,) = site.transports[STACK].receive("default")

    work_slowly(site, delivery, 0.5)

    record = read_record(store.records[result.id])
    assert (record.status, record.worker_ids, record.fence) == (READY, ["dead"], 2)
    assert site.transports[STACK].receive("default")[0].id == delivery.id


def test_a_task_that_is_cancelled_before_its_late_claim_is_taken_back_ends(site: Offload) -> None:
    result = tasks.five_seconds.enqueue(7)
    (delivery,) = site.transports[STACK].receive("default")

    assert work_slowly(site, delivery, 0.5, stop=result.id) == {"batchItemFailures": []}

    record = read_record(site.stores[STACK].records[result.id])
    assert record.status == FAILED
    assert record.error is not None
    assert record.error["class"] == "django_offload.exceptions.Cancelled"
    assert tasks.executions == []


def claim_of_a_worker_that_died() -> ConditionalWrite:
    now = datetime.now(UTC)
    return claim(None, token="dead", worker_id="dead", now=now, lease_until=now, max_attempts=3)
