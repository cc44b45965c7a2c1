"""Tasks that wait for the commit of a transaction, which in many tests never comes."""

from collections.abc import Callable, Sized
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Self
from unittest import mock

from django.db import connections, transaction

OURS = __package__.partition(".")[0]


class Runs(int):
    """How many deliveries a run worked on; shown together with what waited for a commit meanwhile."""

    waiting: int
    said: str

    def __new__(cls, count: int, commits: "Commits") -> Self:
        made = super().__new__(cls, count)
        made.waiting, made.said = commits.waiting, commits.said
        return made

    def __repr__(self) -> str:
        return f"{int(self)} ({self.said})" if self.said else super().__repr__()


class Commits:
    """Follows what this package does at commits, from the call that asks for it to the commit."""

    def __init__(self) -> None:
        # How many tasks each lets leave.
        self._asked: dict[Callable[[], object], int] = {}

    @property
    def waiting(self) -> int:
        """How many tasks that were enqueued inside a transaction wait for its commit."""
        held = {
            entry[1]
            for connection in connections.all(initialized_only=True)
            for entry in connection.run_on_commit
        }
        return sum(tasks for leave, tasks in self._asked.items() if leave in held)

    @property
    def said(self) -> str:
        """What is to be said of those that wait; empty where none does."""
        waiting = self.waiting
        if not waiting:
            return ""
        tasks = "1 task waits" if waiting == 1 else f"{waiting} tasks wait"
        if not _belongs_to_the_test():
            return f"{tasks} for the commit of a transaction that is still open. Call run() after it."
        return (
            f"{tasks} for a commit that never comes: the transaction is the test's own. "
            "Enqueue inside `with self.captureOnCommitCallbacks(execute=True):` (pytest: the fixture "
            "django_capture_on_commit_callbacks), or let the test commit (TransactionTestCase, "
            "django_db(transaction=True))."
        )

    def followed(self) -> AbstractContextManager[object]:
        """Follow until the block ends."""
        return mock.patch.object(transaction, "on_commit", self._following(transaction.on_commit))

    def _following(self, original: Callable[..., None]) -> Callable[..., None]:
        def on_commit(func: Callable[[], object], *args: Any, **kwargs: Any) -> None:
            if (getattr(func, "__module__", None) or "").partition(".")[0] != OURS:
                return original(func, *args, **kwargs)

            @wraps(func)
            def leave() -> None:
                self._asked.pop(leave, None)
                func()

            owner = getattr(func, "__self__", None)
            self._asked[leave] = len(owner) if isinstance(owner, Sized) else 1
            return original(leave, *args, **kwargs)

        return on_commit


def _belongs_to_the_test() -> bool:
    """Tell whether the innermost open transaction is one that Django's TestCase opened around a test."""
    blocks = transaction.get_connection().atomic_blocks
    return bool(blocks) and getattr(blocks[-1], "_from_testcase", False)
