"""Records whose message AWS didn't take: the next sweep sends it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from ..aws import begin_together
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import from_micros
from ..protocol.transitions import look_at, postpone
from ..stores import Store
from .enqueue import Failures, failed


def have_swept_soon(
    waiting: Sequence[tuple[EnqueuedTask, Attributes]], store: Store, shards: int
) -> Failures:
    """
    Have the next sweep send tasks of which AWS took no message, whatever waits in their queue.

    Return why it failed for records that are in no index, so that no sweep would come to them.
    """

    def begin(enqueued: EnqueuedTask, item: Attributes) -> Callable[[], object]:
        # A record that is due before it may start has had no message yet.
        due_at = enqueued.start_at - timedelta(microseconds=1)
        if "due_at" in item:
            due_was = from_micros(int(item["due_at"]))  # type: ignore[arg-type]
            change = postpone(enqueued.id, due_was=due_was, due_at=due_at, shards=shards)
        else:
            change = look_at(enqueued.id, due_at=due_at, shards=shards)
        return store.begin_change(enqueued.id, change)

    results = begin_together(partial(begin, *pair) for pair in waiting)()
    unlisted = failed([enqueued for enqueued, _ in waiting], "note for the sweeper", results)
    return {
        enqueued.id: cause
        for enqueued, item in waiting
        # Refused by a record, the note isn't needed: a worker has it, or it is in the index.
        if (cause := unlisted.get(enqueued.id)) and "due_at" not in item and not was_refused(cause)
    }


def was_refused(cause: Exception) -> bool:
    """Return True if a record exists that refused a write."""
    return isinstance(cause, Refused) and cause.current is not None
