"""Find the record of a task by its id, in any stack of TASKS, and the texts stored beside a record."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from ..aws import reading
from ..aws.stand_ins import follow_tests
from ..compat import TEST_UTILS
from ..conf import Options, options_for, stacks
from ..definition.results import parts_of
from ..exceptions import PayloadLost
from ..payloads import fetch_parts
from ..protocol.conditional_write import Attributes
from ..protocol.enqueued_task import EnqueuedTask, is_id
from ..protocol.record import ARGUMENTS_PART, TaskRecord, read_record
from ..stores import Store, store_of

logger = logging.getLogger("django_offload")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """A record, and the place where it is stored."""

    record: TaskRecord
    options: Options  # Of the alias that enqueued it, or of another alias of the same stack.
    store: Store
    parts: Mapping[str, str] = field(default_factory=dict)  # The texts stored beside the record, by name.


def find(task_id: str, candidates: Sequence[Options] = (), *, with_parts: bool = False) -> StoredTask | None:
    """
    Return the record of a task from the first stack that has it, or None.

    Search the stacks of `candidates`, or all stacks of TASKS if there are none. With `with_parts`, the same
    query also reads the texts stored beside the record. Raise CallFailed, or what a client of AWS raises, if
    AWS doesn't answer within 5 seconds.
    """
    if not is_id(task_id):  # The table also has items that are no records, such as the budget of a root.
        return None
    with reading():
        return find_in(candidates or stacks(), task_id, with_parts=with_parts)


def find_in(candidates: Sequence[Options], task_id: str, *, with_parts: bool) -> StoredTask | None:
    """Return the record of a task from the first of these stacks that has it, or None."""
    for options in candidates:
        if TEST_UTILS in sys.modules:
            follow_tests(options)
        store = store_of(options)
        attributes, parts = store.parts(task_id) if with_parts else (store.get(task_id), {})
        if attributes is not None:
            record = read_record(attributes)
            return StoredTask(
                record=record, options=options_for(record.enqueued.alias, options), store=store, parts=parts
            )
    return None


def find_many(ids: Sequence[str]) -> Iterator[tuple[Options, dict[str, Attributes]]]:
    """
    Yield the stacks of TASKS that have records with these ids, at most 100, and the records as they are now.

    Raise what find() raises if AWS doesn't answer.
    """
    missing = list(ids)
    for options in stacks():
        if not missing:
            return
        if TEST_UTILS in sys.modules:
            follow_tests(options)
        with reading():
            found = store_of(options).begin_get_many(missing)()
        if found:
            # In the order of the ids, in which they are reported.
            yield options, {task_id: found[task_id] for task_id in missing if task_id in found}
        missing = [task_id for task_id in missing if task_id not in found]
    # A busy table leaves records out, so those that no stack has are asked for by themselves.
    for task_id, options in product(missing, stacks()):
        with reading():
            attributes = store_of(options).get(task_id)
        if attributes is not None:
            yield options, {task_id: attributes}


def complete(store: Store, record: TaskRecord) -> EnqueuedTask:
    """
    Return the task of a record with its arguments, which are read if they are beside it.

    Raise PayloadLost if they are gone.
    """
    return begin_complete(store, record)()


def begin_complete(store: Store, record: TaskRecord) -> Callable[[], EnqueuedTask]:
    """Start complete(), and return a callable that finishes it; other calls can start in between."""
    enqueued = record.enqueued
    if record.inline or enqueued.reference is not None:
        return lambda: enqueued
    wait = store.begin_get_part(enqueued.id, ARGUMENTS_PART)

    def completed() -> EnqueuedTask:
        arguments = wait()
        if arguments is None:
            raise PayloadLost(ARGUMENTS_PART, "gone")
        return replace(enqueued, arguments=arguments)

    return completed


def read_parts(store: Store, record: TaskRecord, options: Options) -> dict[str, str]:
    """
    Return the texts that the result of a record needs: its arguments, errors and result, if not in it.

    They were written before the record and never change. One that is no longer stored beside the record is
    left out. Raise PayloadLost if one in the bucket is gone.
    """
    return fetch_parts(record, options) | texts_beside(store, record)


def texts_beside(store: Store, record: TaskRecord) -> dict[str, str]:
    """Return those texts of read_parts() that are stored beside the record, and not in the bucket."""
    return read_texts(store, record.enqueued.id, names_beside(record))


def names_beside(record: TaskRecord) -> list[str]:
    """Return the names of the texts that texts_beside() reads."""
    in_bucket = {
        ARGUMENTS_PART if record.enqueued.reference is not None else None,
        record.result_part if record.result_reference is not None else None,
    }
    return [name for name in parts_of(record) if name not in in_bucket]


def read_texts(store: Store, task_id: str, names: Iterable[str]) -> dict[str, str]:
    """Return the texts with these names that are stored beside a record."""
    texts = {name: store.get_part(task_id, name) for name in names}
    return {name: text for name, text in texts.items() if text is not None}


def earlier_errors(store: Store, record: TaskRecord) -> dict[str, str]:
    """Return the errors of the attempts so far. If AWS doesn't return them, log that: the task needs none."""
    try:
        return read_texts(store, record.enqueued.id, record.error_parts)
    except Exception as exc:  # noqa: BLE001, whatever a store raises
        text = "Task id=%s name=%s runs without the errors of its attempts so far: %s"
        logger.warning(text, record.enqueued.id, record.enqueued.name, exc)
        return {}
