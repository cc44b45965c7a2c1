"""The send of many tasks: their messages in batches, their records, and what stands beside them, together."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ..aws import at_most, together
from ..conf import Options
from ..exceptions import EnqueueFailed
from ..protocol.enqueued_task import EnqueuedTask
from ..stores import store_of
from ..transports import transport_of
from .record_and_message import (
    BEGIN_SECONDS,
    SEND_SECONDS,
    arguments_beside,
    begin_look_soon,
    deferred,
    ensure_queue,
    first_delay,
    first_text,
    noted,
    stored,
)

# Why tasks, by their id, were not sent, or one half of them was not.
type Failures = dict[str, Exception]


def send_many(enqueued_tasks: Sequence[EnqueuedTask], options: Options) -> list[Exception | None]:
    """
    Do what send() does for tasks that were enqueued within a second for one queue and start.

    Return what went wrong with each, None where it was accepted. Raise ResourceMissing if AWS says that
    the queue is not there; nothing was sent then.
    """
    with at_most(SEND_SECONDS):
        ensure_queue(enqueued_tasks[0].queue, transport_of(options))
        ready, causes = _stored(enqueued_tasks, options)
        causes |= _failures(ready, options) if ready else {}
    return [_failed(enqueued, causes.get(enqueued.id)) for enqueued in enqueued_tasks]


def _failed(enqueued: EnqueuedTask, cause: Exception | None) -> EnqueueFailed | None:
    if cause is None:
        return None
    failure = EnqueueFailed(enqueued.id, enqueued.name, enqueued.queue)
    failure.__cause__ = cause
    return failure


def _stored(enqueued_tasks: Iterable[EnqueuedTask], options: Options) -> tuple[list[EnqueuedTask], Failures]:
    """Keep large arguments in the bucket; return what can be sent, and why the rest cannot."""
    ready, causes = [], {}
    for enqueued in enqueued_tasks:
        try:
            ready.append(stored(enqueued, options))
        except Exception as exc:  # noqa: BLE001, whatever a seam raises
            causes[enqueued.id] = exc
    return ready, causes


def _failures(enqueued_tasks: Sequence[EnqueuedTask], options: Options) -> Failures:
    """Send what keeps each task, and return why it failed where nothing does."""
    if not options.record_at_enqueue:
        return _messages(enqueued_tasks, options)()
    transport = transport_of(options)
    if not transport.longest_return or deferred(enqueued_tasks[0], transport):
        # Only the record keeps a task: nothing else leaves before it is there.
        unrecorded = _records(enqueued_tasks, options)
        recorded = [enqueued for enqueued in enqueued_tasks if enqueued.id not in unrecorded]
        if recorded and not deferred(enqueued_tasks[0], transport):
            _messages(recorded, options)()
        return unrecorded
    beside = _beside(enqueued_tasks, options)
    # All of them are under way together: where a message arrives first, its claim makes the record.
    with at_most(BEGIN_SECONDS):
        messages = _messages(enqueued_tasks, options)
    unrecorded, unsent = _records(enqueued_tasks, options, beside), messages()
    waiting = [
        enqueued for enqueued in enqueued_tasks if enqueued.id in unsent and enqueued.id not in unrecorded
    ]
    looks = together(partial(begin_look_soon, store_of(options), enqueued) for enqueued in waiting)
    _noted(waiting, "note for the sweeper", looks)
    return {task_id: exc for task_id, exc in unsent.items() if task_id in unrecorded}


def _messages(enqueued_tasks: Sequence[EnqueuedTask], options: Options) -> Callable[[], Failures]:
    """Begin to send messages, and return what ends it."""
    try:
        texts = [first_text(enqueued, options) for enqueued in enqueued_tasks]
        end = transport_of(options).begin_send_many(
            enqueued_tasks[0].queue, texts, first_delay(enqueued_tasks[0])
        )
    except Exception as exc:  # noqa: BLE001, whatever a seam raises
        failure = exc
        return lambda: _noted(enqueued_tasks, "message", [failure] * len(enqueued_tasks))
    return lambda: _noted(enqueued_tasks, "message", end())


def _records(
    enqueued_tasks: Sequence[EnqueuedTask], options: Options, beside: Failures | None = None
) -> Failures:
    """Create records; none whose arguments could not be kept beside it."""
    failed = _beside(enqueued_tasks, options) if beside is None else beside
    able = [enqueued for enqueued in enqueued_tasks if enqueued.id not in failed]
    store = store_of(options)
    found = together(partial(store.begin_create, enqueued) for enqueued in able)
    return failed | _noted(able, "record", found)


def _beside(enqueued_tasks: Sequence[EnqueuedTask], options: Options) -> Failures:
    """Keep arguments that stand beside records, before there are any, so that none lacks them."""
    parts = {
        enqueued.id: part for enqueued in enqueued_tasks if (part := arguments_beside(enqueued, options))
    }
    owners = [enqueued for enqueued in enqueued_tasks if enqueued.id in parts]
    store = store_of(options)
    return _noted(owners, "record", together(partial(store.begin_put_part, part) for part in parts.values()))


def _noted(enqueued_tasks: Sequence[EnqueuedTask], half: str, found: Iterable[object]) -> Failures:
    """Note what failed of one half, in the order of the births."""
    return {
        enqueued.id: noted(enqueued, half, exc)
        for enqueued, exc in zip(enqueued_tasks, found, strict=True)
        if isinstance(exc, Exception)
    }
