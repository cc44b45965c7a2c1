"""A claim that takes the time of its task: the task is not failed for it."""

from typing import Any
from unittest import mock

import pytest

from django_offload.testing import Offload, sqs_event
from django_offload.worker import batch
from tests.contract.setup import STACK, tasks_setting
from tests.reliability import tasks


class Draining:
    """Lambda's context of an invocation whose time a slow claim takes."""

    log_stream_name = "2026/11/22/[$LATEST]0123456789abcdef"

    def __init__(self, function_name: str) -> None:
        self.function_name, self.seconds = function_name, 10.0

    def get_remaining_time_in_millis(self) -> int:
        return round(self.seconds * 1000)


@pytest.fixture
def site(settings: Any, request: pytest.FixtureRequest) -> Offload:
    settings.TASKS = tasks_setting(modules=["tests.reliability.tasks"])
    tasks.executions.clear()
    found: Offload = request.getfixturevalue("offload")
    return found


@pytest.mark.parametrize(("left", "starts"), [(6.1, True), (5.9, False), (2.0, False), (0.1, False)])
def test_a_task_starts_with_the_time_it_needs_or_comes_again(
    site: Offload, left: float, starts: bool
) -> None:
    result = tasks.five_seconds.enqueue(7)
    (delivery,) = site.transports[STACK].receive("default")
    context = Draining(f"{STACK}-default-worker")
    store = site.stores[STACK]
    change = store.change

    def slowly(*args: Any) -> Any:
        if args[1].name == "claim":
            context.seconds = left
        return change(*args)

    with mock.patch.object(store, "change", slowly):
        said = batch.handler(sqs_event([delivery], f"{STACK}-default"), context, site.clock)

    assert (tasks.executions == [7]) is starts
    assert (said == {"batchItemFailures": []}) is starts
    if starts:
        site.transports[STACK].delete(delivery)
    site.run()
    result.refresh()
    assert result.return_value == 7
    assert tasks.executions == [7]
