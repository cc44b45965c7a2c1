"""Serve only as many requests at a time as a server with a fixed number of threads would."""

from collections import deque
from collections.abc import Iterable
from threading import Event, Lock
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

WAITED = "lab.waited_seconds"


class ThreadLimit:
    """
    A WSGI application that runs at most `most` requests at a time, in the order of their arrival.

    Django's runserver starts a thread for every connection, so that no request would wait for another.
    Servers for production have a fixed number of threads. The environ contains how long a request waited.
    """

    def __init__(self, application: WSGIApplication, most: int) -> None:
        self._application = application
        self._free = most
        self._waiting: deque[Event] = deque()
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        arrived = perf_counter()
        self.acquire()
        try:
            return self._application({**environ, WAITED: perf_counter() - arrived}, start_response)
        finally:
            self.release()

    def acquire(self) -> None:
        """Take a free thread, or wait for one."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            self._waiting.append(turn := Event())
        turn.wait()

    def release(self) -> None:
        """Pass the thread to the request that has waited longest, so that a new request can't overtake it."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
