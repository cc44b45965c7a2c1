"""Track tasks that wait for a transaction to commit. In many tests it never does."""

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from functools import wraps
from typing import Any, Self
from unittest import mock

from django.db import connections, transaction

LIBRARY = __package__.partition(".")[0]


class DeliveryCount(int):
    """The number of deliveries in a run. Its repr() adds a warning if tasks wait for a commit."""

    waiting: int
    warning: str

    def __new__(cls, count: int, commits: "CommitTracker") -> Self:
        delivery_count = super().__new__(cls, count)
        delivery_count.waiting, delivery_count.warning = commits.waiting, commits.warning
        return delivery_count

    def __repr__(self) -> str:
        return f"{int(self)} ({self.warning})" if self.warning else super().__repr__()


class CommitTracker:
    """Counts the tasks that this package sends after a commit, until they are sent."""

    def __init__(self) -> None:
        # The number of tasks that each callback sends.
        self._task_counts: dict[Callable[[], object], int] = {}
        self.in_async_test = False

    @property
    def waiting(self) -> int:
        """The number of tasks that were enqueued inside a transaction and wait for its commit."""
        callbacks = {
            entry[1]
            for connection in connections.all(initialized_only=True)
            for entry in connection.run_on_commit
        }
        return sum(count for callback, count in self._task_counts.items() if callback in callbacks)

    @property
    def warning(self) -> str:
        """Why tasks wait for a commit, and what to do. Empty if none waits."""
        waiting = self.waiting
        if not waiting:
            return ""
        tasks = "1 task waits" if waiting == 1 else f"{waiting} tasks wait"
        atomic_blocks = transaction.get_connection().atomic_blocks
        if not atomic_blocks or not getattr(atomic_blocks[-1], "_from_testcase", False):
            return f"{tasks} for the commit of a transaction that is still open. Call run() after the commit."
        if self.in_async_test:
            return (
                f"{tasks} for a commit that never comes, because the test rolls its transaction back. "
                "An async test can't capture its callbacks, so let it commit, with TransactionTestCase or "
                "django_db(transaction=True)."
            )
        return (
            f"{tasks} for a commit that never comes, because the test rolls its transaction back. "
            "Enqueue inside `with self.captureOnCommitCallbacks(execute=True):` (with pytest, "
            "`with django_capture_on_commit_callbacks(execute=True):`). Or let the test commit, with "
            "TransactionTestCase or django_db(transaction=True)."
        )

    @contextmanager
    def tracking(self) -> Iterator[None]:
        """Track the tasks that are enqueued before the block ends."""
        on_commit = transaction.on_commit

        def tracking_on_commit(func: Callable[[], object], *args: Any, **kwargs: Any) -> None:
            if (getattr(func, "__module__", None) or "").partition(".")[0] != LIBRARY:
                return on_commit(func, *args, **kwargs)

            @wraps(func)
            def send() -> None:
                self._task_counts.pop(send, None)
                func()

            sender = getattr(func, "__self__", None)
            self._task_counts[send] = len(sender) if isinstance(sender, Sized) else 1
            return on_commit(send, *args, **kwargs)

        with mock.patch.object(transaction, "on_commit", tracking_on_commit):
            yield
