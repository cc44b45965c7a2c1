"""The seam to how a message reaches the worker."""

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

    id: str  # As batch item failures name it.
    body: str | Mapping[str, Any]  # Text, or parsed JSON where Lambda was invoked with it.
    queue: str  # Of QUEUES, by the resource it came through.
    handle: str = ""  # SQS's receipt handle.
    receives: int = 1  # How often it was received, this time included.


class Transport(ABC):
    """Sends messages, and takes back what a worker could not finish."""

    # How much later than it is sent can a message be delivered?
    longest_delay = timedelta(0)

    # How long can a message given back stay away and then come again by itself? After longer, the sweeper
    # sends another.
    longest_return = timedelta(0)

    def knows(self, queue: str) -> bool:
        """Tell whether `queue` is found already, so that prepare() would do nothing."""
        return False

    @abstractmethod
    def prepare(self, queue: str) -> None:
        """Find `queue`. Raise ResourceMissing if AWS says that it is not there."""

    @abstractmethod
    def send(self, queue: str, text: str, delay: timedelta) -> None:
        """Send a message, to be delivered after `delay` where supported. Raise if it was not accepted."""

    def begin_send(self, queue: str, text: str, delay: timedelta) -> Callable[[], None]:
        """Begin send(), and return what ends it: other calls may be under way between the two."""
        return partial(self.send, queue, text, delay)

    def begin_send_many(
        self, queue: str, texts: Sequence[str], delay: timedelta
    ) -> Callable[[], list[Exception | None]]:
        """Begin to send messages; return what ends it: with what went wrong with each, None where sent."""
        wait = begin_together(partial(self.begin_send, queue, text, delay) for text in texts)
        return lambda: [result if isinstance(result, Exception) else None for result in wait()]

    @abstractmethod
    def give_back(self, delivery: Delivery, delay: timedelta) -> None:
        """Have a delivery come again after `delay`, as exactly as the transport can."""

    def depth(self, queue: str) -> int:
        """
        Return about how many messages wait to be delivered, or were and may come again; 0 where none can.

        A message that is sent with a delay does not count until that has passed.
        """
        return 0
