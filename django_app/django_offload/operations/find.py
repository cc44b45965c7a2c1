"""Find a record by the id of its task, in whichever stack of TASKS it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..conf import Options, options_for, stacks
from ..protocol.record import TaskRecord, read_record
from ..stores import Store, store_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTask:
    """A record, and where it is stored."""

    record: TaskRecord
    options: Options  # Of the alias that enqueued it, or of another alias of its stack.
    store: Store
    parts: Mapping[str, str] = field(default_factory=dict)  # Texts beside the record, by their names.


def find(task_id: str, among: Sequence[Options] = (), *, with_parts: bool = False) -> StoredTask | None:
    """
    Return the record of a task, or None if no stack of TASKS (or none of `among`) has one.

    With `with_parts`, the same query reads the texts beside the record.
    """
    for options in among or stacks():
        store = store_of(options)
        attributes, parts = store.parts(task_id) if with_parts else (store.get(task_id), {})
        if attributes is not None:
            record = read_record(attributes)
            return StoredTask(
                record=record, options=options_for(record.enqueued.alias, options), store=store, parts=parts
            )
    return None
