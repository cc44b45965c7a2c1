"""As many requests at a time as a server of that many threads works on; the others wait for their turn."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Event, Lock
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

WAITED = "lab.waited_seconds"


class Threads:
    """
    A WSGI application with at most `most` requests under way, first come, first served.

    Django's runserver starts a thread for every connection, so that nobody would wait behind anybody; servers
    that sites run on have a fixed number. How long a request waited stands in its environ.
    """

    def __init__(self, application: WSGIApplication, most: int) -> None:
        self._application = application
        self._free = most
        self._waiting: deque[Event] = deque()
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        asked = perf_counter()
        with self._turn():
            return self._application({**environ, WAITED: perf_counter() - asked}, start_response)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        turn = self._ask()
        if turn is not None:
            turn.wait()
        try:
            yield
        finally:
            self._pass_on()

    def _ask(self) -> Event | None:
        """Take a thread, or return what will tell of one."""
        with self._lock:
            if self._free:
                self._free -= 1
                return None
            self._waiting.append(turn := Event())
            return turn

    def _pass_on(self) -> None:
        """Hand the thread to whoever waits longest: a newcomer cannot overtake."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
