"""The interface to the way in which a message reaches the worker."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from ..aws import begin_together


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One receipt of a message."""

    id: str  # The id that batch item failures name.
    body: str | Mapping[str, Any]  # Text, or parsed JSON if Lambda was invoked with it.
    queue: str  # Its name in QUEUES, from the resource that delivered it.
    handle: str = ""  # SQS's receipt handle.
    receives: int = 1  # How often it was received, including this time.


class Transport(ABC):
    """Sends messages, and takes those back that a worker could not finish."""

    # The longest delay after which a message can be delivered.
    longest_delay = timedelta(0)

    # The longest time after which a returned message can be delivered again. For longer times the sweeper
    # sends another message.
    longest_return = timedelta(0)

    def is_prepared(self, queue: str) -> bool:
        """Return True if the queue was found before, so that prepare() would do nothing."""
        return False

    @abstractmethod
    def prepare(self, queue: str) -> None:
        """Find the queue. Raise ResourceMissing if AWS answers that it does not exist."""

    @abstractmethod
    def send(self, queue: str, text: str, delay: timedelta, group: str | None = None) -> None:
        """
        Send a message, delivered after `delay` if the transport can. Raise if it was not accepted.

        Messages of one `group` wait for each other, and not the messages of other groups for them.
        """

    def begin_send(
        self, queue: str, text: str, delay: timedelta, group: str | None = None
    ) -> Callable[[], None]:
        """Start send(), and return a callable that finishes it; other calls can start in between."""
        return partial(self.send, queue, text, delay, group)

    def begin_send_many(
        self,
        queue: str,
        texts: Sequence[str],
        delays: Sequence[timedelta],
        groups: Sequence[str | None] | None = None,
    ) -> Callable[[], list[Exception | None]]:
        """
        Start to send messages, each with its delay and its group, and return a callable that waits for them.

        It returns for each message the exception if it was not sent, or None.
        """
        messages = zip(texts, delays, groups or [None] * len(texts), strict=True)
        wait = begin_together(partial(self.begin_send, queue, *message) for message in messages)
        return lambda: [result if isinstance(result, Exception) else None for result in wait()]

    @abstractmethod
    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        """Return a message, so that it is delivered again after `delay`, or about then."""

    def depth(self, queue: str) -> int:
        """
        Return about how many messages wait in the queue or are with a worker; 0 if there is no queue.

        A message that was sent with a delay counts only after the delay.
        """
        return 0
