"""
The end of a transaction in which tasks wait: they leave, whatever else happens between commit and send.

Django calls the callbacks of on_commit() one after the other. If one raises, Django drops those after it. The
transaction is committed by then, and each task in it has an id, but it would never exist.

    commit ─▶ a callback of the project ─▶ a task ─▶ one that raises ─▶ [a callback of the project, a task]
                                                                          Django drops both; the task leaves

Django also drops all of them if it can't turn autocommit on again after the commit. And in manual transaction
management it calls them only when autocommit is turned on again, which may never happen.
"""

import logging
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from inspect import unwrap
from typing import Any, Protocol

from django.db.backends.base.base import BaseDatabaseWrapper

from ..definition.registry import mask_of
from ..logs import Lines
from ..protocol.enqueued_task import EnqueuedTask

logger = logging.getLogger("django_offload")

# Entries of a connection's run_on_commit: the savepoints around it, the callback, and whether it is robust.
type Callbacks = list[Any]


def waiting(backend: Any) -> Any:
    """Return a backend like this one, with the option `on_commit` True."""
    if backend.conf.on_commit:
        return backend
    like = copy(backend)
    like.conf = replace(backend.conf, on_commit=True)
    return like


class Leaving(Protocol):
    """Tasks that leave at a commit."""

    @property
    def enqueued_tasks(self) -> list[EnqueuedTask]: ...

    @property
    def in_outbox(self) -> bool: ...

    def leave(self) -> list[Exception | None]:
        """Send the tasks, and return what went wrong with each."""


class CommitWatch:
    """Wraps the two methods by which Django ends a transaction of a connection."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        # The connection's own methods, or what another library put in their place.
        self._commit, self._set_autocommit = connection.commit, connection.set_autocommit
        self._committed: Callbacks = []

    def commit(self) -> None:
        """Commit, and remember the callbacks of this transaction. Django calls them in set_autocommit()."""
        self._commit()
        callbacks = self._connection.run_on_commit
        if self._connection.commit_on_exit:
            self._committed = callbacks
        else:  # In manual transaction management nobody knows when, or whether, that will be.
            send_left(callbacks)

    def set_autocommit(self, *args: Any, **kwargs: Any) -> None:
        """Turn autocommit on or off. Then send what was committed and is still in the list."""
        committed, self._committed = self._committed, []
        try:
            # Django takes each callback out of the list before it calls it.
            self._set_autocommit(*args, **kwargs)
        finally:
            send_left(committed)


def watch(connection: BaseDatabaseWrapper) -> None:
    """Have the tasks that wait for a commit of this connection leave, whatever its other callbacks raise."""
    if isinstance(getattr(connection.commit, "__self__", None), CommitWatch):
        return
    commits = CommitWatch(connection)
    connection.commit = commits.commit  # type: ignore[method-assign]
    connection.set_autocommit = commits.set_autocommit  # type: ignore[method-assign]


def send_left(callbacks: Callbacks) -> None:
    """Send the tasks whose callbacks are in the list. If that is interrupted, log each that is left."""
    left = list(departures(callbacks))
    for entry, _ in left:
        callbacks.remove(entry)
    while left:
        entry, _ = left.pop(0)
        try:
            entry[1]()
        except BaseException as exc:
            for _, departure in left:
                log_all_unsent(departure, exc)
            raise


def departures(callbacks: Callbacks) -> Iterator[tuple[Any, Leaving]]:
    """Yield the entries whose callbacks send tasks, each with its tasks."""
    for entry in callbacks:
        departure: Any = owner_of(entry[1])
        # Of the class, because an object of the project, such as a Mock, may have any attribute.
        if hasattr(type(departure), "leave_at_commit"):
            yield entry, departure


def owner_of(callback: Callable[[], object]) -> object:
    """Return the object of whose method a callback is, also of a wrapped one, or None."""
    try:
        return getattr(unwrap(callback), "__self__", None)
    except Exception:  # noqa: BLE001, the project's own callback, which may be any object
        return None


def send_and_log(departure: Leaving) -> None:
    """Send the tasks after their commit, and log each that failed."""
    try:
        failures = departure.leave()
    except BaseException as exc:
        log_all_unsent(departure, exc)
        if not isinstance(exc, Exception):
            raise
        return
    for enqueued, failure in zip(departure.enqueued_tasks, failures, strict=True):
        if failure is not None:
            log_unsent(enqueued, failure)


def log_all_unsent(departure: Leaving, exc: BaseException) -> None:
    """Log that none of the tasks was sent, unless the outbox keeps them."""
    for enqueued in () if departure.in_outbox else departure.enqueued_tasks:
        log_unsent(enqueued, exc)


def log_unsent(enqueued: EnqueuedTask, exc: BaseException) -> None:
    what = "was not sent" if isinstance(exc, Exception) else "may not have been sent"
    mask, short = mask_of(enqueued), str(exc) or type(exc).__name__
    if mask is None:
        logger.error("Task id=%s %s at the commit: %s", enqueued.id, what, short, exc_info=exc)
    else:  # Handlers format an exception themselves, and know no mask.
        logger.error("Task id=%s %s at the commit\n%s", enqueued.id, what, Lines(mask.traceback(exc)))
