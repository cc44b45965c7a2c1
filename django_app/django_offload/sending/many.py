"""The send of many tasks: their messages in batches, their records, and what stands beside them, together."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from ..aws import at_most, together
from ..conf import Options
from ..exceptions import EnqueueFailed
from ..protocol.enqueued_task import Birth
from ..stores import store_of
from ..transports import transport_of
from .record_and_message import (
    BEGIN_SECONDS,
    SEND_SECONDS,
    arguments_beside,
    begin_look_soon,
    deferred,
    find,
    first_delay,
    first_text,
    noted,
    stored,
)

# Why tasks, by their id, were not sent, or one half of them was not.
type Failures = dict[str, Exception]


def send_many(births: Sequence[Birth], options: Options) -> list[Exception | None]:
    """
    Do what send() does for tasks that were enqueued within a second for one queue and start.

    Return what went wrong with each, None where it was accepted. Raise ResourceMissing if AWS says that
    the queue is not there; nothing was sent then.
    """
    with at_most(SEND_SECONDS):
        find(births[0].queue, transport_of(options))
        ready, causes = _stored(births, options)
        causes |= _failures(ready, options) if ready else {}
    return [_failed(birth, causes.get(birth.id)) for birth in births]


def _failed(birth: Birth, cause: Exception | None) -> EnqueueFailed | None:
    if cause is None:
        return None
    failure = EnqueueFailed(birth.id, birth.name, birth.queue)
    failure.__cause__ = cause
    return failure


def _stored(births: Iterable[Birth], options: Options) -> tuple[list[Birth], Failures]:
    """Keep large arguments in the bucket; return what can be sent, and why the rest cannot."""
    ready, causes = [], {}
    for birth in births:
        try:
            ready.append(stored(birth, options))
        except Exception as exc:  # noqa: BLE001, whatever a seam raises
            causes[birth.id] = exc
    return ready, causes


def _failures(births: Sequence[Birth], options: Options) -> Failures:
    """Send what keeps each task, and return why it failed where nothing does."""
    if not options.record_at_enqueue:
        return _messages(births, options)()
    transport = transport_of(options)
    if not transport.longest_return or deferred(births[0], transport):
        # Only the record keeps a task: nothing else leaves before it is there.
        unrecorded = _records(births, options)
        recorded = [birth for birth in births if birth.id not in unrecorded]
        if recorded and not deferred(births[0], transport):
            _messages(recorded, options)()
        return unrecorded
    beside = _beside(births, options)
    # All of them are under way together: where a message arrives first, its claim makes the record.
    with at_most(BEGIN_SECONDS):
        messages = _messages(births, options)
    unrecorded, unsent = _records(births, options, beside), messages()
    waiting = [birth for birth in births if birth.id in unsent and birth.id not in unrecorded]
    looks = together(partial(begin_look_soon, store_of(options), birth) for birth in waiting)
    _noted(waiting, "note for the sweeper", looks)
    return {task_id: exc for task_id, exc in unsent.items() if task_id in unrecorded}


def _messages(births: Sequence[Birth], options: Options) -> Callable[[], Failures]:
    """Begin to send messages, and return what ends it."""
    try:
        texts = [first_text(birth, options) for birth in births]
        end = transport_of(options).begin_send_many(births[0].queue, texts, first_delay(births[0]))
    except Exception as exc:  # noqa: BLE001, whatever a seam raises
        failure = exc
        return lambda: _noted(births, "message", [failure] * len(births))
    return lambda: _noted(births, "message", end())


def _records(births: Sequence[Birth], options: Options, beside: Failures | None = None) -> Failures:
    """Create records; none whose arguments could not be kept beside it."""
    failed = _beside(births, options) if beside is None else beside
    able = [birth for birth in births if birth.id not in failed]
    store = store_of(options)
    found = together(partial(store.begin_create, birth) for birth in able)
    return failed | _noted(able, "record", found)


def _beside(births: Sequence[Birth], options: Options) -> Failures:
    """Keep arguments that stand beside records, before there are any, so that none lacks them."""
    parts = {birth.id: part for birth in births if (part := arguments_beside(birth, options))}
    owners = [birth for birth in births if birth.id in parts]
    store = store_of(options)
    return _noted(owners, "record", together(partial(store.begin_put_part, part) for part in parts.values()))


def _noted(births: Sequence[Birth], half: str, found: Iterable[object]) -> Failures:
    """Note what failed of one half, in the order of the births."""
    return {
        birth.id: noted(birth, half, exc)
        for birth, exc in zip(births, found, strict=True)
        if isinstance(exc, Exception)
    }
