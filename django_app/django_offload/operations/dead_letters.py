"""List dead letters, and redrive or discard them or message bodies that did not verify."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any

from ..aws.stand_ins import Clock
from ..conf import Options, stacks
from ..exceptions import UnreadableRecord
from ..protocol.conditional_write import Attributes
from ..protocol.enqueued_task import is_id
from ..protocol.record import FAILED, TaskRecord, read_record
from ..protocol.shards import Band, partitions
from ..stores import Store, store_of
from .due_entries import EVER, PAGE, merged
from .find import find_many
from .pages import read_together
from .redrive import ActionResult, Outcome, StoredRecord, discard_many, redrive_read, refusal
from .unverified_bodies import UNVERIFIED_PREFIX, act_on_body, unverified_bodies

logger = logging.getLogger("django_offload")


def failed_records(store: Store, *, all_failed: bool = False, until: datetime = EVER) -> Iterator[TaskRecord]:
    """
    Yield the dead letters that ended by `until`, the oldest first.

    With `all_failed`, also yield tasks that failed with their own exception. Records may be redriven or
    discarded in the meantime. To redrive them, pass the time of the start as `until`, because a record that
    fails again would otherwise be yielded again.
    """
    for page in failed_pages(store, all_failed=all_failed, until=until):
        yield from (record for record, _ in page)


def failed_pages(
    store: Store, *, all_failed: bool = False, until: datetime = EVER
) -> Iterator[list[tuple[TaskRecord, Attributes]]]:
    """Yield what failed_records() yields in pages, each read by one call, with the attributes as read."""
    bands = [Band.DEAD, Band.FAILED] if all_failed else [Band.DEAD]
    listed = merged(store, partitions(*bands, shards=store.read_shards), until)
    for entries in batched(listed, PAGE):
        page = []
        for task_id, attributes in read_together(store, [entry.id for entry in entries]).items():
            if isinstance(attributes, Exception):
                raise attributes
            # The index lags behind the table, so skip a record that has already left the index.
            if attributes is None or attributes.get("status") != FAILED or "due_at" not in attributes:
                continue
            record = readable(task_id, attributes)
            if record is not None and record.due_at is not None and record.due_at <= until:
                page.append((record, attributes))
        if page:
            yield page


def readable(task_id: str, attributes: Attributes) -> TaskRecord | None:
    """Return the record with these attributes. Log an error and return None if they can't be read."""
    try:
        return read_record(attributes)
    except UnreadableRecord as exc:
        logger.error("Task id=%s is left out: %s", task_id, exc)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterFilter:
    """Selects dead letters."""

    task: str | None = None
    cause: str | None = None  # The class of the error, with or without its module.
    failed: bool = False  # Include tasks that failed with their own exception.

    @property
    def narrow(self) -> bool:
        return bool(self.task or self.cause)

    def records(self, until: datetime = EVER) -> Iterator[tuple[Options, TaskRecord]]:
        """Yield the matching dead letters of each stack of TASKS that ended by `until`, the oldest first."""
        for options, page in self.pages(until):
            yield from ((options, record) for record, _ in page)

    def pages(
        self, until: datetime = EVER
    ) -> Iterator[tuple[Options, Sequence[tuple[TaskRecord, Attributes]]]]:
        """Yield what records() yields in pages of one stack, with the attributes as read."""
        for options in stacks():
            for page in failed_pages(store_of(options), all_failed=self.failed, until=until):
                matching = [(record, attributes) for record, attributes in page if self.matches(record)]
                if matching:
                    yield options, matching

    def matches(self, record: TaskRecord) -> bool:
        cause = cause_of(record)
        return (self.task is None or record.enqueued.name == self.task) and (
            self.cause is None or self.cause in (cause, cause.rpartition(".")[2])
        )


def cause_of(record: TaskRecord) -> str:
    """Return the class path of the error that ended a record."""
    return str((record.error or {}).get("class", ""))


def dead_letter_row(options: Options, record: TaskRecord) -> dict[str, Any]:
    """Return what a list shows of a dead letter."""
    return {
        "id": record.enqueued.id,
        "stack": options.stack,
        "task": record.enqueued.name,
        "queue": record.enqueued.queue,
        "cause": cause_of(record),
        "message": (record.error or {}).get("message", ""),
        "attempts": record.attempts,
        "failed_at": record.finished_at,
    }


def act_on_all(action: str, selection: DeadLetterFilter, clock: Clock) -> Iterator[ActionResult]:
    """
    Redrive or discard all matching dead letters, a page at a time. Yield what happened to each.

    Raise what AWS raised for one of them after the others of its page.
    """
    # A redriven task may fail again at once. Without a limit of time it would be redriven for ever.
    for options, page in selection.pages(until=clock()):
        stored = {record.enqueued.id: attributes for record, attributes in page}
        yield from results_of(act_on_read(action, options, stored, clock()))
    if action == "discard" and not selection.narrow:
        yield from (act_on_body(action, entry.key) for _, entry in unverified_bodies())


def act_on_ids(action: str, ids: Iterable[str], clock: Clock) -> Iterator[ActionResult]:
    """
    Redrive or discard records by their ids, and unverified bodies by their keys, a page at a time.

    Yield what happened to each. Raise what AWS raised for one of them after the others of its page.
    """
    for page in batched(dict.fromkeys(ids), PAGE):
        outcomes: dict[str, Outcome] = {}
        for options, stored in find_many([task_id for task_id in page if is_id(task_id)]):
            unreadable = {task_id: text for task_id in stored if (text := why_unreadable(stored[task_id]))}
            outcomes |= {
                task_id: ActionResult(id=task_id, done=False, text=text)
                for task_id, text in unreadable.items()
            }
            rest = {task_id: stored[task_id] for task_id in stored if task_id not in unreadable}
            outcomes |= zip(rest, act_on_read(action, options, rest, clock()), strict=True)
        yield from results_of(
            act_on_body(action, task_id)
            if task_id.startswith(UNVERIFIED_PREFIX)
            else outcomes.get(task_id) or refusal(action, task_id, None)
            for task_id in page
        )


def results_of(outcomes: Iterable[Outcome]) -> Iterator[ActionResult]:
    """Yield the outcomes that are results. Then raise the first one that is an exception."""
    failures = []
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            failures.append(outcome)
        else:
            yield outcome
    if failures:
        raise failures[0]


def act_on_read(
    action: str, options: Options, stored: Mapping[str, StoredRecord], now: datetime
) -> list[Outcome]:
    """Redrive or discard records of a stack that have just been read."""
    store = store_of(options)
    if action == "redrive":
        return redrive_read(store, stored, options, now)
    return discard_many(store, list(stored))


def why_unreadable(attributes: Attributes) -> str:
    """Return why a record can't be read, or an empty text."""
    try:
        read_record(attributes)
    except UnreadableRecord as exc:
        return str(exc)
    return ""
