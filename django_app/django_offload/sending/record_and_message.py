"""The send: the record to its store, the message on its way, large arguments to the bucket."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from ..aws import at_most, made_together
from ..conf import Options, secrets
from ..exceptions import EnqueueFailed, PayloadLost, PayloadTooLarge
from ..payloads import payloads_of
from ..protocol.enqueued_task import EnqueuedTask, from_micros
from ..protocol.message import Keyring, TaskMessage, encode
from ..protocol.record import ARGUMENTS_PART, MESSAGE_LIFE, PART_BYTES, RECORD_LIFE, TaskRecord, initial_item
from ..protocol.record_size import fits_inline
from ..protocol.transitions import postpone
from ..stores import Part, Store, store_of
from ..transports import Transport, transport_of

logger = logging.getLogger("django_offload")

# What a request waits for AWS at most: half a minute is what gateways and servers give it, all in all …
SEND_SECONDS = 8.0
# … for the name of a queue, asked once per process …
LOOK_SECONDS = 2.0
# … and for a connection to it, or its name once more: a record whose message is stuck there needs the rest.
BEGIN_SECONDS = 4.0

NO_DELAY = timedelta(0)

# What ends a half that is under way; what does so and returns why it failed, if it did.
type Half = Callable[[], object]
type Failure = Callable[[], Exception | None]


def message_text(enqueued: EnqueuedTask, options: Options, expires_at: datetime) -> str:
    """Return the signed message of a task."""
    keyring = Keyring(secrets(), options.scope(enqueued.queue))
    return encode(TaskMessage(enqueued=enqueued, expires_at=expires_at), keyring)


def measure(enqueued: EnqueuedTask, options: Options) -> bool:
    """Tell whether the arguments need the bucket. Raise PayloadTooLarge if they do and there is none."""
    if len(enqueued.arguments) <= PART_BYTES:
        return False
    if payloads_of(options) is None:
        raise PayloadTooLarge(enqueued.name, len(enqueued.arguments), PART_BYTES)
    return True


def send(enqueued: EnqueuedTask, options: Options) -> None:
    """
    Write the record and send the message; one of the two is enough, the sweeper mends the other.

    May be repeated for the same birth, and takes some seconds at most. Raise ResourceMissing if AWS says
    that the queue is not there, and EnqueueFailed if neither was accepted; or if the record was not and
    only it would keep the task, for no message can wait that long, or Lambda soon gives one up; or if the
    message was not, where there is no record before the first claim.
    """
    transport = transport_of(options)
    with at_most(SEND_SECONDS):
        ensure_queue(enqueued.queue, transport)
        try:
            enqueued = stored(enqueued, options)
            failures = _failures(enqueued, options, transport)
        except Exception as exc:
            raise EnqueueFailed(enqueued.id, enqueued.name, enqueued.queue) from exc
    if None not in failures:
        raise EnqueueFailed(enqueued.id, enqueued.name, enqueued.queue) from failures[-1]


def ensure_queue(queue: str, transport: Transport) -> None:
    """Find a queue that is not known yet, in its share of the time. Raise what prepare() does."""
    if not transport.is_prepared(queue):
        with at_most(LOOK_SECONDS):
            transport.prepare(queue)


def _failures(enqueued: EnqueuedTask, options: Options, transport: Transport) -> list[Exception | None]:
    """Send what keeps a task, and return why each half of it failed; None among them is enough."""
    message = partial(_message, enqueued, options, transport)
    if not options.record_at_enqueue:
        return [_half(message, enqueued, "message")()]
    record, late = partial(_record, enqueued, options), deferred(enqueued, transport)
    if late or not transport.longest_return:
        # Only the record keeps the task: nothing else leaves before it is there.
        unrecorded = _half(record, enqueued, "record")()
        if unrecorded is None and not late:
            _half(message, enqueued, "message")()
        return [unrecorded]
    # Both are under way together, their connections too where there are none yet: where a message arrives
    # first, its claim makes the record.
    with made_together():
        recorded = _half(record, enqueued, "record")
        with at_most(BEGIN_SECONDS):
            sent = _half(message, enqueued, "message")
    failures = [recorded(), sent()]
    if failures[0] is None and failures[1] is not None:
        _half(partial(begin_look_soon, store_of(options), enqueued), enqueued, "note for the sweeper")()
    return failures


def deferred(enqueued: EnqueuedTask, transport: Transport) -> bool:
    """Tell whether a task starts later than any message can wait."""
    return (
        enqueued.run_after is not None and enqueued.start_at - enqueued.enqueued_at > transport.longest_delay
    )


def _half(begin: Callable[[], Half], enqueued: EnqueuedTask, half: str) -> Failure:
    """Begin one half of a send, and return what ends it: with what it raised, for the other half may do."""
    try:
        end = begin()
    except Exception as exc:  # noqa: BLE001, whatever a seam raises
        return partial(noted, enqueued, half, exc)

    def failure() -> Exception | None:
        try:
            end()
        except Exception as exc:  # noqa: BLE001, whatever a seam raises
            return noted(enqueued, half, exc)
        return None

    return failure


def noted(enqueued: EnqueuedTask, half: str, exc: Exception) -> Exception:
    """Note what went wrong with one half of a task, which the other may make up for; return it."""
    logger.warning("Task id=%s name=%s %s failed: %s", enqueued.id, enqueued.name, half, exc)
    return exc


def stored(enqueued: EnqueuedTask, options: Options) -> EnqueuedTask:
    """Keep large arguments in the bucket, and return the birth that refers to them."""
    payloads = payloads_of(options) if measure(enqueued, options) else None
    if payloads is None:
        return enqueued
    return replace(enqueued, reference=payloads.keep(f"payloads/{enqueued.id}/arguments", enqueued.arguments))


def _record(enqueued: EnqueuedTask, options: Options) -> Half:
    store = store_of(options)
    keep_arguments(store, enqueued, options)
    return store.begin_create(enqueued)


def begin_look_soon(store: Store, enqueued: EnqueuedTask) -> Half:
    """Begin to have the sweeper send, whatever waits in its queue, a task that AWS took no message of."""
    # Due before it may start, as what no message has been sent of.
    due_was, due_at = initial_item(enqueued)["due_at"], enqueued.start_at - timedelta(microseconds=1)
    change = postpone(enqueued.id, due_was=from_micros(int(due_was)), due_at=due_at)  # type: ignore[arg-type]
    return store.begin_change(enqueued.id, change)


def create(store: Store, enqueued: EnqueuedTask, options: Options) -> None:
    """Create a READY record where there is none; what stands beside it first."""
    keep_arguments(store, enqueued, options)
    store.create(enqueued)


def keep_arguments(store: Store, enqueued: EnqueuedTask, options: Options) -> None:
    """Keep arguments that stand beside the record: before there is a record, so that none lacks them."""
    part = arguments_beside(enqueued, options)
    if part is not None:
        store.put_part(part.task_id, part.name, part.text, part.ttl)


def arguments_beside(enqueued: EnqueuedTask, options: Options) -> Part | None:
    """Return the arguments that stand beside the record, None where they do not."""
    if enqueued.reference is not None or fits_inline(enqueued):
        return None
    # A record that fails at the end of its life is listed for another: its arguments are still there.
    ttl = enqueued.start_at + 2 * RECORD_LIFE + options.ttl(enqueued.queue)
    return Part(task_id=enqueued.id, name=ARGUMENTS_PART, text=enqueued.arguments, ttl=int(ttl.timestamp()))


def complete(store: Store, record: TaskRecord) -> EnqueuedTask:
    """Return the birth of a record, its arguments read if they stand beside it. Raise PayloadLost if gone."""
    enqueued = record.enqueued
    if record.inline or enqueued.reference is not None:
        return enqueued
    arguments = store.get_part(enqueued.id, ARGUMENTS_PART)
    if arguments is None:
        raise PayloadLost(ARGUMENTS_PART, "gone")
    return replace(enqueued, arguments=arguments)


def _message(enqueued: EnqueuedTask, options: Options, transport: Transport) -> Half:
    return transport.begin_send(enqueued.queue, first_text(enqueued, options), first_delay(enqueued))


def first_text(enqueued: EnqueuedTask, options: Options) -> str:
    """Return the message of a task that is sent for the first time."""
    return message_text(enqueued, options, enqueued.start_at + MESSAGE_LIFE)


def first_delay(enqueued: EnqueuedTask) -> timedelta:
    """Return how long a message that leaves when its task was enqueued is to stay away."""
    return max(enqueued.start_at - enqueued.enqueued_at, NO_DELAY) if enqueued.run_after else NO_DELAY
