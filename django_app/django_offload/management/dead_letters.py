"""What offload_dead works on: records that are dead letters, and bodies that belong to no record."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..board.bodies import settle_body
from ..conf import Options, stacks
from ..record import TaskRecord
from ..stores import Store, store_of
from ..worker.dead_letter import FOLDER
from ..worker.failed import EVER, records
from ..worker.redrive import Verdict, discard, redrive


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which dead letters are meant."""

    task: str | None = None
    cause: str | None = None  # The class of the error, with or without its module.
    failed: bool = False  # Those that their task failed too.

    @property
    def narrow(self) -> bool:
        return bool(self.task or self.cause)

    def records(self, until: datetime = EVER) -> Iterator[tuple[Options, TaskRecord]]:
        """Yield those that ended by `until` from every stack of TASKS, the oldest of each first."""
        for options in stacks():
            for record in records(store_of(options), all_failed=self.failed, until=until):
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
        return settle_body(action, task_id)
    holders = [(options, store) for options in stacks() if (store := store_of(options)).get(task_id)]
    options, store = holders[0] if holders else (stacks()[0], store_of(stacks()[0]))
    return settle_record(action, store, task_id, options, now)


def settle_record(action: str, store: Store, task_id: str, options: Options, now: datetime) -> Verdict:
    return redrive(store, task_id, options, now) if action == "redrive" else discard(store, task_id)
