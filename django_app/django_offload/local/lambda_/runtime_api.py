"""
Lambda's Runtime API, through which AWS's runtime client fetches events and posts what came of them.

    process                              RuntimeApi                      WorkerProcess
       │── GET invocation/next ──────────────▶│                               │
       │                                      │◀───────────── hand(invocation)│
       │◀──────────────────── event, headers ─│─ TAKEN ──────────────────────▶│
       │── POST invocation/<id>/response ────▶│─ ANSWERED, outcome ──────────▶│

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import queue
import threading
import time
from dataclasses import dataclass
from enum import Enum, auto

from ..loopback import Door, LoopbackServer
from .functions import Function
from .invoker import Outcome, failure

PREFIX = "/2018-06-01/runtime/"
# What a function may answer, or be handed, when it is waited for.
PAYLOAD_LIMIT = 6 * 1024 * 1024
# How long a process that asks for its next event is kept waiting before the connection is looked at again.
_TICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One run of a function in a process."""

    id: str
    function: Function
    event: bytes


class Said(Enum):
    """What a process may let be known."""

    TAKEN = auto()  # It has been handed the event.
    ANSWERED = auto()  # It has posted what came of it, and goes on.
    ENDED = auto()  # It could not start, or is gone.
    NOTHING = auto()  # It kept silent for as long as one waited.


class RuntimeApi:
    """
    The Runtime API of one process, on a port of its own.

    A process that is started anew gets a new one: a request that its predecessor left open can
    neither take an event nor answer for one.
    """

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._next: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[tuple[Said, Outcome | None]] = queue.SimpleQueue()
        self._current: str | None = None
        self._lock = threading.Lock()
        self._server = LoopbackServer(_Door, self)
        self._server.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.port}"

    def hand(self, invocation: Invocation) -> None:
        """Give the process its next event."""
        self._next.put(invocation)

    def wait(self, timeout_seconds: float) -> tuple[Said, Outcome | None]:
        """Return the next thing that the process let be known, and its outcome if it has one."""
        try:
            return self._said.get(timeout=max(0.0, timeout_seconds))
        except queue.Empty:
            return Said.NOTHING, None

    def say_ended(self, outcome: Outcome) -> None:
        """Say, in the process's place, that it has ended."""
        self._said.put((Said.ENDED, outcome))

    def close(self) -> None:
        self._closed.set()
        self._next.put(None)
        self._server.stop()

    def next(self) -> Invocation | None:
        """Return the event to run; None when this process shall have no more."""
        while not self._closed.is_set():
            try:
                invocation = self._next.get(timeout=_TICK_SECONDS)
            except queue.Empty:
                continue
            if invocation is not None:
                with self._lock:
                    self._current = invocation.id
                self._said.put((Said.TAKEN, None))
            return invocation
        return None

    def settle(self, request_id: str, outcome: Outcome) -> bool:
        """Take the answer to `request_id` and return True; return False if that is not what runs."""
        with self._lock:
            if self._closed.is_set() or request_id != self._current:
                return False
            self._current = None
        self._said.put((Said.ANSWERED, outcome))
        return True


class _Door(Door):
    """The Runtime API over HTTP."""

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}invocation/next":
            return self.answer(404, b'{"errorType": "NotFound"}')
        invocation = self.server.owner.next()
        if invocation is None:
            self.close_connection = True
            return None
        deadline = int((time.time() + invocation.function.timeout_seconds) * 1000)
        return self.answer(
            200,
            invocation.event,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.id,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function.arn,
                "Lambda-Runtime-Trace-Id": _trace_id(invocation.id),
            },
        )

    def do_POST(self) -> None:
        body = self.read()
        parts = self.path.removeprefix(PREFIX).split("/")
        match parts:
            case ["init", "error"]:
                self.server.owner.say_ended(Outcome(payload=body, failed=True))
                return self.answer(202, b'{"status": "OK"}')
            case ["invocation", request_id, "response"]:
                outcome = _too_large(len(body)) if len(body) > PAYLOAD_LIMIT else Outcome(payload=body)
            case ["invocation", request_id, "error"]:
                outcome = Outcome(payload=body, failed=True)
            case _:
                return self.answer(404, b'{"errorType": "NotFound"}')
        if not self.server.owner.settle(request_id, outcome):
            return self.answer(
                400, b'{"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"}'
            )
        return self.answer(202, b'{"status": "OK"}')


def _too_large(size: int) -> Outcome:
    return failure(
        "Function.ResponseSizeTooLarge",
        f"Response payload size ({size} bytes) exceeded the maximum allowed ({PAYLOAD_LIMIT} bytes).",
    )


def _trace_id(request_id: str) -> str:
    """Return a trace id in X-Ray's form that says not to sample."""
    digits = request_id.replace("-", "").ljust(32, "0")
    return f"Root=1-{digits[:8]}-{digits[8:32]};Parent={digits[:16]};Sampled=0"
