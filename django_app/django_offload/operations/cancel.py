"""A task cancelled from outside: at once where it has not started, else by a flag that it sees."""

from datetime import datetime

from ..conf import Options
from ..definition.registry import result_ttl
from ..exceptions import Cancelled
from ..protocol.conditional_write import Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import TaskRecord, error_of, read_record
from ..protocol.transitions import ask_to_stop
from ..protocol.transitions import cancel as cancelled
from ..stores import Store
from .fail import finished, written


def cancel(store: Store, enqueued: EnqueuedTask, options: Options, now: datetime) -> TaskRecord | None:
    """Cancel a task, and return its record as it is then; None where it has ended, which nothing changes."""
    end = cancelled(now=now, result_ttl=result_ttl(enqueued, options), error=error_of(Cancelled()))
    for change in (end, ask_to_stop(), end):  # Twice: it may start, or wait again, in between.
        try:
            if change is end:
                return finished(enqueued, written(store, enqueued.id, end))
            return read_record(change.apply(store.change(enqueued.id, change)))
        except Refused:
            continue
    return None
