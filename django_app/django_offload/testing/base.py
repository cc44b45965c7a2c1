"""The part that both fixtures share: tasks that fail on demand, workers that die, and commits."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest import mock

from asgiref.sync import sync_to_async
from django.utils.asyncio import async_unsafe

from ..aws.memory import VirtualClock
from ..worker import attempt, connections, execution
from ..worker.one_loop import OneLoop, shared
from .commits import CommitTracker, DeliveryCount

# A sweep uses the database too, so an event loop is no place for it.
sweeps_in_a_thread = async_unsafe(
    "sweep() can't run inside an event loop. In an async test, use `await sync_to_async(offload.sweep)()`."
)
occurs_in_a_thread = async_unsafe(
    "run_schedule() can't run inside an event loop. In an async test, use "
    "`await sync_to_async(offload.run_schedule)(...)`."
)
Failure = BaseException | type[BaseException]


class WorkerKilled(SystemExit):
    """Simulates SIGKILL, so no code of the worker runs after it."""


class TaskRunner(ABC):
    """Base of the fixtures. It runs tasks in the process of the test."""

    clock: VirtualClock

    def __init__(self) -> None:
        self.last: DeliveryCount | None = None  # What the last run() returned.
        self._commits = CommitTracker()
        self._failures: deque[Failure] = deque()
        self._kills: deque[bool] = deque()  # For each worker to kill, True if its task runs first.
        self._deaths = 0  # The number of workers that were killed.

    @async_unsafe("run() can't run tasks inside an event loop. In an async test, use `await offload.arun()`.")
    def run(self, *, skip: bool = True) -> DeliveryCount:
        """
        Run the tasks that were enqueued, and those that they enqueue. Return the number of deliveries.

        With `skip=False` no time is skipped. The repr() of the number warns of tasks that wait for a commit
        and so are not delivered. Raise SynchronousOnlyOperation inside an event loop.
        """
        with coroutines_run_beside():
            return self._run(skip)

    async def arun(self, *, skip: bool = True) -> DeliveryCount:
        """Do what run() does, in an async test."""
        self._commits.in_async_test = True
        return await sync_to_async(self.run)(skip=skip)

    @abstractmethod
    def _run(self, skip: bool) -> DeliveryCount:
        """Deliver, and return the number of deliveries."""

    @occurs_in_a_thread
    def run_schedule(self, name: str, *, at: datetime | None = None, alias: str | None = None) -> Any:
        """
        Enqueue one occurrence of a schedule, as the sweeper does it for Scheduler, and return its task result.

        Return None if nothing is enqueued, because the schedule is paused, or because `overlap="skip"` skips
        it. `at` is any time (default: now), also one at which the schedule doesn't come; a naive one is in the
        project's time zone. The same time again makes no second task. run() runs the task. Raise
        UnknownSchedule, with names that are like it, if there is no such schedule.
        """
        from .schedules import occur  # Imported here, because few tests have a schedule.

        return occur(name, at, alias, self.clock)

    @property
    def waiting(self) -> int:
        """The number of tasks that wait for a transaction to commit. They are in no queue yet."""
        return self._commits.waiting

    def fail_next(self, exception: Failure) -> None:
        """Make the next task that runs raise this exception. Call it again for the task after that."""
        self._failures.append(exception)

    def kill_next(self, *, after_work: bool = False) -> None:
        """
        Kill the worker of the next attempt, after its claim and before its outcome is stored.

        The worker dies before the task's function runs or, with `after_work`, after the function returns. The
        record stays RUNNING until its lease ends, and run() skips to that time. Then the task is tried again,
        or it ends FAILED with WorkerLost if no attempts are left. Call it again for the attempt after that.
        """
        self._kills.append(after_work)

    @contextmanager
    def workers_in_process(self) -> Iterator[None]:
        """Let workers run in the process of the test until the block ends, and fail or die on demand."""
        call, execute = execution._call, execution.execute

        def call_or_fail(*args: Any) -> Any:
            if self._failures:
                raise self._failures.popleft()
            return call(*args)

        def execute_or_die(task: Any, context: Any, seconds: float) -> Any:
            after_work = self._kills.popleft() if self._kills else None
            if after_work is None:
                return execute(task, context, seconds)
            if after_work:
                execute(task, context, seconds)
            self._deaths += 1
            raise WorkerKilled("the worker was killed")

        with (
            mock.patch.object(execution, "_call", call_or_fail),
            mock.patch.object(attempt, "execute", execute_or_die),
            # Connections and their transactions belong to the test. Django's test client keeps them open too.
            mock.patch.object(connections, "close_old_connections", return_value=None),
            self._commits.tracking(),
        ):
            yield


@contextmanager
def coroutines_run_beside() -> Iterator[None]:
    """
    Give coroutines a loop of their own if this thread has a running one.

    Only a test that sets DJANGO_ALLOW_ASYNC_UNSAFE gets here with one, as tests with Playwright do.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        yield
        return
    with OneLoop() as loop:
        token = shared.set(loop)
        try:
            yield
        finally:
            shared.reset(token)
