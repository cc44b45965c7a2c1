"""Cancel a task from outside."""

from datetime import datetime

from ..conf import Options
from ..definition.registry import result_ttl
from ..exceptions import Cancelled
from ..protocol import transitions
from ..protocol.conditional_write import Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import TaskRecord, error_of, read_record
from ..stores import Store
from .fail import announce_end, change_or_recognise


def describe_cancel(record: TaskRecord | None) -> str:
    """Return what a cancel did, given what cancel() returned."""
    if record is None:
        return "It has already ended, so there is nothing to cancel."
    if record.ended:
        return "Cancelled."
    return "It is running and was asked to stop. It will not be tried again."


def cancel(store: Store, enqueued: EnqueuedTask, options: Options, now: datetime) -> TaskRecord | None:
    """
    End a task that waits, or ask a running task to stop. Return the record after that.

    Return None if the task has already ended, because then nothing changes.
    """
    end = transitions.cancel(now=now, result_ttl=result_ttl(enqueued, options), error=error_of(Cancelled()))
    # Try to end it twice, because a running task may be released before it can be asked to stop.
    for change in (end, transitions.ask_to_stop(), end):
        try:
            if change is end:
                return announce_end(store, enqueued, options, change_or_recognise(store, enqueued.id, end))
            return read_record(change.apply(store.change(enqueued.id, change)))
        except Refused:
            continue
    return None
