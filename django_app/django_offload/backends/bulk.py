"""Tasks that leave together: by the hundred, now or at the commit of a transaction."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import ModuleType

from django.db import transaction
from django.tasks.signals import task_enqueued

from ..conf import Options
from ..definition.bulk_results import MOST_TASKS
from ..definition.offload_task import AnyResult
from ..definition.results import django_time
from ..protocol.enqueued_task import EnqueuedTask
from ..sending.many import send_many

logger = logging.getLogger("django_offload")

# Of arguments that leave together, so that large ones need no more memory than many.
MOST_BYTES = 4 * 2**20
# What arguments came within that time leaves as of when they came; slower ones, as of when they leave.
ONE_INSTANT = timedelta(seconds=1)

# A task that can be sent, with the result to answer; or why it cannot.
type Able = tuple[EnqueuedTask, AnyResult]
type Entry = Able | Exception


def chunks(entries: Iterator[Entry]) -> Iterator[tuple[list[Entry], Exception | None]]:
    """Yield what leaves together; with the last of it what ended the entries too soon, if anything did."""
    chunk: list[Entry] = []
    size = 0
    try:
        for entry in entries:
            chunk.append(entry)
            size += 0 if isinstance(entry, Exception) else len(entry[0].arguments)
            if len(chunk) == MOST_TASKS or size >= MOST_BYTES:
                yield chunk, None
                chunk, size = [], 0
    except Exception as exc:  # noqa: BLE001, raised after what came before has left
        yield chunk, exc
    else:
        yield chunk, None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What leaves together."""

    sender: type  # Of the signal `task_enqueued`.
    options: Options
    entries: Sequence[Able]
    waits: bool  # For the commit of a transaction …
    kept: bool  # … and in its outbox.

    def __len__(self) -> int:
        return len(self.entries)

    def begin(self) -> list[Exception | None]:
        """Send now, or at the commit; return what went wrong with each so far."""
        if not self.entries:
            return []
        if not self.waits:
            return self._send()
        if self.kept:
            _outbox().put_many([enqueued for enqueued, _ in self.entries])
        # Nobody is there to raise to.
        transaction.on_commit(self._leave, robust=True)
        return [None] * len(self.entries)

    def _leave(self) -> None:
        """Send after the commit, and log what could not be sent."""
        failures: list[Exception | None]
        try:
            failures = self._send()
        except Exception as exc:  # noqa: BLE001, the same for all, and each is to be named
            failures = [exc] * len(self.entries)
        for (enqueued, _), failure in zip(self.entries, failures, strict=True):
            if failure is not None:
                logger.error(
                    "Task id=%s was not sent at the commit: %s", enqueued.id, failure, exc_info=failure
                )

    def _send(self) -> list[Exception | None]:
        enqueued_tasks = [enqueued for enqueued, _ in self.entries]
        now = datetime.now(UTC)
        if self.waits or now - enqueued_tasks[0].enqueued_at > ONE_INSTANT:
            enqueued_tasks = [replace(enqueued, enqueued_at=now) for enqueued in enqueued_tasks]
        failures = self._kept(enqueued_tasks) if self.kept else send_many(enqueued_tasks, self.options)
        return [
            failure or self._announced(result, enqueued.enqueued_at)
            for enqueued, (_, result), failure in zip(enqueued_tasks, self.entries, failures, strict=True)
        ]

    def _kept(self, enqueued_tasks: Sequence[EnqueuedTask]) -> list[Exception | None]:
        """Send what the outbox has kept since the commit, which sends later what cannot be sent now."""
        try:
            failures = send_many(enqueued_tasks, self.options)
        except Exception as exc:  # noqa: BLE001, the same for all
            failures = [exc] * len(enqueued_tasks)
        sent = [
            enqueued for enqueued, failure in zip(enqueued_tasks, failures, strict=True) if failure is None
        ]
        _outbox().forget_many(sent)
        for enqueued, failure in zip(enqueued_tasks, failures, strict=True):
            if failure is not None:
                logger.warning("Task id=%s was not sent yet, it is in the outbox: %s", enqueued.id, failure)
        return [None] * len(enqueued_tasks)

    def _announced(self, result: AnyResult, enqueued_at: datetime) -> Exception | None:
        """Tell that a task was enqueued; return what a receiver of the signal raised."""
        object.__setattr__(result, "enqueued_at", django_time(enqueued_at))
        try:
            task_enqueued.send(self.sender, task_result=result)
        except Exception as exc:  # noqa: BLE001, the answer to this task, and no other's
            return exc
        return None


def _outbox() -> ModuleType:
    """Return the outbox, whose model can be imported only where its app is installed."""
    from ..outbox import drain

    return drain
