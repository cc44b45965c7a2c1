"""Several tasks at a time within one invocation: as many as the queue allows, each with its own outcome."""

import threading

import pytest

from django_offload.stores import use
from django_offload.stores.memory import MemoryStore
from django_offload.testing import Invocation
from django_offload.worker import batch
from tests.contract import concurrent_tasks as tasks
from tests.contract.conftest import PLACES
from tests.contract.setup import STACK, tasks_setting
from tests.contract.waiting import event_of_all, positions_of

AT_A_TIME = 3


class WatchedStore(MemoryStore):
    """Counts how many records were RUNNING at a time, at most. Refuses changes of some records."""

    def __init__(self):
        super().__init__()
        self.most, self.refused, self._watch = 0, set(), threading.Lock()

    def change(self, task_id, change):
        if task_id in self.refused:
            raise ConnectionError("DynamoDB does not answer")
        before = super().change(task_id, change)
        with self._watch:
            running = sum(record["status"] == "RUNNING" for record in list(self.records.values()))
            self.most = max(self.most, running)
        return before


class TellsTheTime(Invocation):
    """An invocation whose remaining time the tasks set."""

    def get_remaining_time_in_millis(self):
        return round(tasks.left[0] * 1000)


@pytest.fixture
def at_a_time(settings, request):
    """Run several tasks at a time, in memory or with the client that a test names."""
    client = getattr(request, "param", "memory")
    settings.TASKS = tasks_setting(
        modules=["tests.contract.concurrent_tasks"],
        queues={"default": {"concurrency": AT_A_TIME, "batch_size": 10}},
        **({} if client == "memory" else {"client": client}),
    )
    tasks.forget()
    return request.getfixturevalue("offload" if client == "memory" else "offload_aws")


anywhere = pytest.mark.parametrize("at_a_time", PLACES, indirect=True)


def work(offload):
    """Pass all waiting messages to the worker as one batch; return the positions of those it returns."""
    event = event_of_all(offload)
    return positions_of(event, batch.handler(event, TellsTheTime("contract-default-worker")))


def read(results):
    for result in results:
        result.refresh()
    return [result.status for result in results]


@pytest.mark.parametrize("task", [tasks.meet, tasks.meet_on_the_loop], ids=["functions", "coroutines"])
def test_as_many_records_are_claimed_and_unfinished_as_the_queue_says(at_a_time, exits, task):
    store = exits.enter_context(use(STACK, WatchedStore()))
    results = [task.enqueue(AT_A_TIME) for _ in range(3 * AT_A_TIME)]

    assert work(at_a_time) == []

    assert read(results) == ["SUCCESSFUL"] * len(results)
    assert store.most == AT_A_TIME


@anywhere
def test_coroutines_run_on_one_loop_and_functions_outside_the_main_thread(at_a_time):
    coroutines = [tasks.meet_on_the_loop.enqueue(AT_A_TIME) for _ in range(AT_A_TIME)]
    functions = [tasks.in_the_main_thread.enqueue() for _ in range(2)]

    work(at_a_time)

    read([*coroutines, *functions])
    assert len({result.return_value for result in coroutines}) == 1
    assert [result.return_value for result in functions] == [False, False]


def test_a_single_message_runs_in_the_main_thread(at_a_time):
    result = tasks.in_the_main_thread.enqueue()

    work(at_a_time)

    read([result])
    assert result.return_value is True


@anywhere
@pytest.mark.parametrize("task", [tasks.end, tasks.end_on_the_loop], ids=["functions", "coroutines"])
def test_each_task_has_its_own_outcome(at_a_time, task):
    results = [task.enqueue(how) for how in ("well", "by exception", "late", "by exit", "well")]

    assert work(at_a_time) == []

    assert read(results) == ["SUCCESSFUL", "FAILED", "FAILED", "FAILED", "SUCCESSFUL"]
    assert [error.exception_class_path for result in results for error in result.errors] == [
        "builtins.LookupError",
        "django_offload.exceptions.DeadlineExceeded",
        "builtins.SystemExit",
    ]


def test_messages_without_time_left_are_returned_unclaimed(at_a_time):
    first = [tasks.meet_for_the_last_time.enqueue(AT_A_TIME) for _ in range(AT_A_TIME)]
    last = [tasks.in_the_main_thread.enqueue() for _ in range(3)]

    assert work(at_a_time) == [3, 4, 5]

    assert read(first) == ["SUCCESSFUL"] * 3
    assert [(status, result.attempts) for status, result in zip(read(last), last, strict=True)] == [
        ("READY", 0)
    ] * 3


def test_a_record_that_cannot_be_written_brings_back_its_own_message_alone(at_a_time, exits):
    store = exits.enter_context(use(STACK, WatchedStore()))
    results = [tasks.end.enqueue("well") for _ in range(5)]
    store.refused = {results[1].id, results[4].id}

    assert work(at_a_time) == [1, 4]

    assert read(results) == ["SUCCESSFUL", "READY", "SUCCESSFUL", "SUCCESSFUL", "READY"]


def test_threads_close_their_database_connections(at_a_time, database):
    functions = [tasks.query.enqueue() for _ in range(4)]
    coroutines = [tasks.query_on_the_loop.enqueue() for _ in range(4)]

    assert work(at_a_time) == []

    read([*functions, *coroutines])
    mine = {result.return_value for result in functions} | {
        thread for result in coroutines for thread in result.return_value
    }
    assert {thread for thread, _ in tasks.used} == mine
    assert len(mine) <= AT_A_TIME
    assert threading.get_ident() not in mine
    assert {wrapper.connection for _, wrapper in tasks.used} == {None}
