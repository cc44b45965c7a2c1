"""What is done to a page of records: one read, all writes together, then all messages, ten to a call."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from ..aws import made_in_turn
from ..conf import Options
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused
from ..stores import Store
from ..transports import transport_of

type Write = tuple[str, ConditionalWrite]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """A message, and the queue that it is for."""

    options: Options
    queue: str  # Its name in QUEUES.
    text: str
    delay: timedelta
    group: str | None = None  # Of the messages of one tenant.


def read_together(store: Store, ids: Sequence[str]) -> dict[str, Attributes | Exception | None]:
    """
    Read at most 100 records by one call, as they are now. Return each, or None if there is none, by its id.

    A record that isn't among the answers is read by itself, because a busy table leaves records out.
    """
    found: Mapping[str, Attributes] = store.begin_get_many(ids)()
    return {task_id: found.get(task_id) or read_alone(store, task_id) for task_id in ids}


def read_alone(store: Store, task_id: str) -> Attributes | Exception | None:
    try:
        return store.get(task_id)
    except Exception as exc:  # noqa: BLE001, one record that can't be read must not stop the others
        return exc


def begin_write(store: Store, task_id: str, change: ConditionalWrite) -> Callable[[], Attributes]:
    """
    Begin a conditional write, and return what waits for it and returns the record after it.

    If the write doesn't return the old record, what is returned has only the attributes that were written.
    If the write is refused but the record already shows it, only the reply to an earlier try was lost, so
    that is the record too. Raise Refused if the record does not show it.
    """
    wait = store.begin_change(task_id, change)

    def written() -> Attributes:
        try:
            return change.apply(wait())
        except Refused as refused:
            if refused.already_applied and refused.current is not None:
                return refused.current
            raise

    return written


def write_together(store: Store, writes: Iterable[Write]) -> Iterator[Attributes | Exception]:
    """
    Make conditional writes, 32 under way together. Yield the record after each, or why it wasn't made.

    Each is yielded as soon as it's answered. A write is begun only when most of those before it are answered.
    """
    return made_in_turn(partial(begin_write, store, *write) for write in writes)


def send_together(messages: Sequence[OutgoingMessage]) -> Callable[[], list[Exception | None]]:
    """Begin to send messages of any queues. Return what waits, and returns why each was not sent, or None."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for number, message in enumerate(messages):
        numbers.setdefault((message.options.alias, message.queue), []).append(number)
    waits = [(group, begin_queue([messages[number] for number in group])) for group in numbers.values()]

    def failures() -> list[Exception | None]:
        results: list[Exception | None] = [None] * len(messages)
        for group, wait in waits:
            for number, failure in zip(group, wait(), strict=True):
                results[number] = failure
        return results

    return failures


def begin_queue(messages: Sequence[OutgoingMessage]) -> Callable[[], list[Exception | None]]:
    """Begin to send the messages of one queue. Whatever stops them all is the failure of each."""
    first = messages[0]
    try:
        return transport_of(first.options).begin_send_many(
            first.queue,
            [message.text for message in messages],
            [message.delay for message in messages],
            [message.group for message in messages],
        )
    except Exception as exc:  # noqa: BLE001, whatever a seam raises
        failures: list[Exception | None] = [exc] * len(messages)
        return lambda: failures
