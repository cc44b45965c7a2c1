"""What a test has happen to the tasks that run next: an exception, or the death of their worker."""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any
from unittest import mock

from ..worker import attempt, connections, execution

Failure = BaseException | type[BaseException]


class WorkerKilled(SystemExit):
    """Stands for SIGKILL: nothing of the worker goes on after it."""


class Accidents:
    """What is to happen to the next attempts, each to one of them."""

    def __init__(self) -> None:
        self._failures: deque[Failure] = deque()
        self._kills: deque[bool] = deque()
        self.deaths = 0  # Workers that were killed so far, …
        self.outlived = 0  # … and how many of them held leases that were skipped since.

    def fail(self, exception: Failure) -> None:
        self._failures.append(exception)

    def kill(self, *, after_work: bool) -> None:
        self._kills.append(after_work)

    def call(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return what raises the next failure where there is one, and else does what `original` does."""

        def run(*args: Any) -> Any:
            if self._failures:
                raise self._failures.popleft()
            return original(*args)

        return run

    def execute(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return what runs a claimed task, unless its worker is to die before, or right after."""

        def run(task: Any, context: Any, seconds: float) -> Any:
            after_work = self._kills.popleft() if self._kills else None
            if after_work is not False:
                outcome = original(task, context, seconds)
            if after_work is None:
                return outcome
            self.deaths += 1
            raise WorkerKilled("the worker was killed")

        return run

    def within(self) -> AbstractContextManager[object]:
        """Have handlers run in the process of a test, with what is to happen to them."""
        patches = ExitStack()
        for module, name, replacement in (
            (execution, "_call", self.call(execution._call)),
            (attempt, "execute", self.execute(execution.execute)),
            # As Django's own test client does: they belong to the test, and their transactions to its end.
            (connections, "close_old_connections", lambda: None),
        ):
            patches.enter_context(mock.patch.object(module, name, replacement))
        return patches
