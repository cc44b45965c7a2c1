"""The arguments of a task where the record itself can't contain them: a part beside it."""

from ..conf import Options
from ..protocol.conditional_write import Attributes
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import ARGUMENTS_PART, RECORD_LIFE, initial_item
from ..protocol.record_size import fits_inline
from .base import Part, Store


def keeps_beside(enqueued: EnqueuedTask, options: Options) -> bool:
    """Return True if the arguments are a part beside the record: neither in it nor in the bucket."""
    return enqueued.reference is None and not fits_inline(enqueued, options.sharded_history)


def keep_arguments(store: Store, enqueued: EnqueuedTask, item: Attributes | None, options: Options) -> None:
    """Write the arguments beside the record, if they aren't in its initial item (None: it isn't made yet)."""
    if item is None:
        item = initial_item(enqueued, store.shards(options), listed=options.sharded_history)
    part = arguments_part(enqueued, item, options)
    if part is not None:
        store.put_part(part.task_id, part.name, part.text, part.ttl)


def arguments_part(enqueued: EnqueuedTask, item: Attributes, options: Options) -> Part | None:
    """Return the arguments that are written beside the record, or None if the item has or refers to them."""
    if "arguments" in item or enqueued.reference is not None:
        return None
    # A record that fails at the end of its life is listed for as long again, with its arguments.
    ttl = enqueued.start_at + 2 * RECORD_LIFE + options.ttl(enqueued.queue)
    return Part(task_id=enqueued.id, name=ARGUMENTS_PART, text=enqueued.arguments, ttl=int(ttl.timestamp()))
