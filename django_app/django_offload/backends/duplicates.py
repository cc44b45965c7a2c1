"""What enqueue() and get_result() return of a task whose work another task does."""

from ..aws import reading
from ..conf import Options
from ..definition.offload_task import AnyResult
from ..definition.registry import registry
from ..definition.results import result_of, show
from ..exceptions import OffloadError
from ..keys.unique import Holder
from ..operations.find import read_parts
from ..protocol.conditional_write import Attributes
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import ARGUMENTS_PART, TaskRecord, read_record
from ..stores import Store

# A duplicate leads to the task that did its work, and that one may have been a duplicate too.
MOST_STEPS = 10


def show_holder(result: AnyResult, enqueued: EnqueuedTask, holder: Holder, *, id_is_known: bool) -> None:
    """
    Turn the result of a task that wasn't sent into that of the task that has its key.

    If somebody has its id already, the id stays, and its record leads to the holder.
    """
    object.__setattr__(result, "duplicate_of", holder.task_id)
    if id_is_known:
        return
    object.__setattr__(result, "id", holder.task_id)
    if holder.record is None:  # Its own process is about to write it.
        object.__setattr__(result, "enqueued_at", enqueued.enqueued_at)
        return
    try:
        record = read_record(holder.record)
        # Of large arguments that aren't in its record, the same are at hand, unless `unique` is a function.
        parts = {} if record.inline else {ARGUMENTS_PART: enqueued.arguments}
        show(result_of(record, parts, result.task), result, kept={"task", "duplicate_of"})
    except (OffloadError, KeyError):  # The record can't be read, and its id is all that is known.
        object.__setattr__(result, "enqueued_at", enqueued.enqueued_at)


def follow(store: Store, record: TaskRecord) -> TaskRecord:
    """Return the record of the task that did the work of a duplicate, or this one if that is gone."""
    current = record
    for _ in range(MOST_STEPS):
        if current.duplicate_of is None:
            return current
        with reading():
            attributes: Attributes | None = store.get(current.duplicate_of)
        if attributes is None:
            return record
        current = read_record(attributes)
    return record


def result_of_holder(store: Store, record: TaskRecord, options: Options) -> AnyResult:
    """Return the result of a duplicate: what the task did that did its work, under the duplicate's own id."""
    holder = follow(store, record)
    with reading():
        parts = read_parts(store, holder, options)
    result = result_of(holder, parts, registry().resolve(holder.enqueued.name))
    object.__setattr__(result, "id", record.enqueued.id)
    work_of = holder.enqueued.id if holder is not record else record.duplicate_of
    object.__setattr__(result, "duplicate_of", work_of)
    return result
