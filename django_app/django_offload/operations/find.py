"""Find the record of a task by its id, in any stack of TASKS, and the arguments of a record."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..aws.stand_ins import follow_tests
from ..compat import TEST_UTILS
from ..conf import Options, options_for, stacks
from ..exceptions import PayloadLost
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import ARGUMENTS_PART, TaskRecord, read_record
from ..stores import Store, store_of


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
    query also reads the texts stored beside the record.
    """
    for options in candidates or stacks():
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


def complete(store: Store, record: TaskRecord) -> EnqueuedTask:
    """
    Return the task of a record with its arguments, which are read if they are beside it.

    Raise PayloadLost if they are gone.
    """
    enqueued = record.enqueued
    if record.inline or enqueued.reference is not None:
        return enqueued
    arguments = store.get_part(enqueued.id, ARGUMENTS_PART)
    if arguments is None:
        raise PayloadLost(ARGUMENTS_PART, "gone")
    return replace(enqueued, arguments=arguments)
