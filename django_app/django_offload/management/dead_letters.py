"""What offload_dead works on: records that are dead letters, and bodies that belong to no record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..conf import Options, stacks
from ..payloads import Kept, payloads_of
from ..record import TaskRecord
from ..stores import Store, store_of
from ..worker.dead_letter import FOLDER
from ..worker.failed import records
from ..worker.redrive import Verdict, discard, redrive

# Of a body that anyone may have sent, this much is read by default.
SHOWN_BYTES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which dead letters are meant."""

    task: str | None = None
    cause: str | None = None  # The class of the error, with or without its module.
    failed: bool = False  # Those that their task failed too.

    @property
    def narrow(self) -> bool:
        return bool(self.task or self.cause)

    def records(self) -> Iterator[tuple[Options, TaskRecord]]:
        """Yield them from every stack of TASKS, the oldest of each first."""
        for options in stacks():
            for record in records(store_of(options), all_failed=self.failed):
                if self._takes(record):
                    yield options, record

    def _takes(self, record: TaskRecord) -> bool:
        path = cause_of(record)
        return (self.task is None or record.birth.name == self.task) and (
            self.cause is None or self.cause in (path, path.rpartition(".")[2])
        )


def cause_of(record: TaskRecord) -> str:
    """Return the class path of what ended a record."""
    return str((record.error or {}).get("class", ""))


def row_of(options: Options, record: TaskRecord) -> dict[str, Any]:
    """Return what a list says of a dead letter."""
    return {
        "id": record.birth.id,
        "stack": options.stack,
        "task": record.birth.name,
        "queue": record.birth.queue,
        "cause": cause_of(record),
        "message": (record.error or {}).get("message", ""),
        "attempts": record.attempts,
        "failed_at": record.finished_at,
    }


def settle(action: str, task_id: str, now: datetime) -> Verdict:
    """Redrive or discard a record or a body by its id or key; say what became of it."""
    if task_id.startswith(FOLDER):
        return _settle_body(action, task_id)
    holders = [(options, store) for options in stacks() if (store := store_of(options)).get(task_id)]
    options, store = holders[0] if holders else (stacks()[0], store_of(stacks()[0]))
    return settle_record(action, store, task_id, options, now)


def settle_record(action: str, store: Store, task_id: str, options: Options, now: datetime) -> Verdict:
    return redrive(store, task_id, options, now) if action == "redrive" else discard(store, task_id)


def bodies() -> Iterator[tuple[Options, Kept]]:
    """Yield the bodies that did not verify, of every stack that has a bucket."""
    for options in stacks():
        payloads = payloads_of(options)
        if payloads is not None:
            for kept in payloads.under(FOLDER):
                yield options, kept


def body(key: str) -> bytes | None:
    """Return a body by its key, None if no stack keeps one there."""
    for options in stacks():
        payloads = payloads_of(options)
        found = payloads.get(key) if payloads is not None else None
        if found is not None:
            return found
    return None


def escaped(data: bytes, most: int) -> str:
    """Return the beginning of a body as ASCII that no terminal takes for anything but text."""
    return data[:most].decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")


def _settle_body(action: str, key: str) -> Verdict:
    if action == "redrive":
        text = "A body that did not verify has no record: it can only be looked at (show) or discarded."
        return Verdict(id=key, done=False, text=text)
    for options in stacks():
        payloads = payloads_of(options)
        if payloads is not None and payloads.get(key) is not None:
            payloads.delete(key)
            return Verdict(id=key, done=True, text="Discarded.")
    return Verdict(id=key, done=False, text="There is no body of this key: see manage.py offload_dead list.")
