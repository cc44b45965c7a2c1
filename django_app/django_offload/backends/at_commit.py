"""
The end of a transaction in which tasks wait: they leave although another callback of the commit raises.

Django calls the callbacks of on_commit() one after the other. If one raises, Django drops those after it. The
transaction is committed by then, and each task in it has an id, but it would never exist.

    commit ─▶ a callback of the project ─▶ a task ─▶ one that raises ─▶ [a callback of the project, a task]
                                                                          Django drops both; the task leaves
"""

from collections.abc import Callable, Iterable, Iterator
from inspect import unwrap
from typing import Any, Protocol

from django.db.backends.base.base import BaseDatabaseWrapper

# Django's method that calls the callbacks of a commit.
METHOD = "run_and_clear_commit_hooks"


class Leaving(Protocol):
    """Tasks that leave at a commit."""

    def log_unsent(self, exc: BaseException) -> None:
        """Log an ERROR that names each of the tasks."""


class CommitCallbacks:
    """Calls the callbacks of a connection's commits, in the place of the connection's own method."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        # The connection's own method, or what another library put in its place.
        self._call: Callable[[], object] = getattr(connection, METHOD)

    def __call__(self) -> None:
        # Django takes each callback out of this list before it calls it.
        callbacks: list[Any] = self._connection.run_on_commit
        try:
            self._call()
        except BaseException:
            # If the list is still the connection's, Django hasn't begun, and the tasks wait on.
            if self._connection.run_on_commit is not callbacks:
                send_dropped(callbacks)
            raise


def watch(connection: BaseDatabaseWrapper) -> None:
    """Have the tasks that wait for a commit of this connection leave, whatever its other callbacks raise."""
    if not isinstance(vars(connection).get(METHOD), CommitCallbacks):
        setattr(connection, METHOD, CommitCallbacks(connection))


def send_dropped(callbacks: Iterable[Any]) -> None:
    """Send the tasks whose callbacks Django dropped. If that is interrupted too, log each that is left."""
    dropped = list(departures(callbacks))
    while dropped:
        leave, _ = dropped.pop(0)
        try:
            leave()
        except BaseException as exc:
            for _, departure in dropped:
                departure.log_unsent(exc)
            raise


def departures(callbacks: Iterable[Any]) -> Iterator[tuple[Callable[[], object], Leaving]]:
    """Yield the callbacks that send tasks, each with its tasks."""
    for entry in callbacks:
        departure: Any = getattr(unwrap(entry[1]), "__self__", None)
        if hasattr(departure, "log_unsent"):
            yield entry[1], departure
