"""What enqueue() and get_result() return of a task whose work another task does."""

from contextlib import suppress

from ..aws import reading
from ..conf import Options
from ..definition.offload_task import AnyResult
from ..definition.registry import registry
from ..definition.results import in_django_time, result_of, show
from ..exceptions import OffloadError
from ..keys.unique import Holder
from ..operations.duplicates import follow
from ..operations.find import read_parts
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import ARGUMENTS_PART, TaskRecord, read_record
from ..sending.unique import keeps_id
from ..stores import Store


def show_holder(result: AnyResult, enqueued: EnqueuedTask, holder: Holder, *, id_is_known: bool) -> None:
    """
    Turn the result of a task that wasn't sent into that of the task that has its key.

    If the duplicate has a record of its own (see keeps_id()), its id stays, and leads to the holder.
    """
    object.__setattr__(result, "duplicate_of", holder.task_id)
    object.__setattr__(result, "enqueued_at", in_django_time(enqueued.enqueued_at))
    if keeps_id(enqueued, holder, id_is_known):
        return
    object.__setattr__(result, "id", holder.task_id)
    if holder.record is None:  # Its own process is about to write it.
        return
    # If the record can't be read, its id is all that is known.
    with suppress(OffloadError, KeyError):
        record = read_record(holder.record)
        # Of large arguments that aren't in its record, the same are at hand, unless `unique` is a function.
        parts = {} if record.inline else {ARGUMENTS_PART: enqueued.arguments}
        task = registry().resolve(record.enqueued.name)
        show(result_of(record, parts, task), result, kept={"duplicate_of"})


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
