"""
Lambda's Runtime API, which AWS's runtime client uses to fetch events and to return responses.

    process                              RuntimeApi                      WorkerProcess
       │── GET invocation/next ──────────────▶│                               │
       │                                      │◀──────────── offer(invocation)│
       │◀──────────────────── event, headers ─│─ FETCHED ────────────────────▶│
       │── POST invocation/<id>/response ────▶│─ RESPONDED, outcome ─────────▶│

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import queue
import threading
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ..loopback import LoopbackServer, RequestHandler
from ..peer import is_own_account
from .functions import Function
from .invoker import Outcome, failed_outcome

PREFIX = "/2018-06-01/runtime/"
# The largest response of a synchronous invocation.
PAYLOAD_LIMIT = 6 * 1024 * 1024
# How often next_invocation() checks whether the API was closed.
_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionInvocation:
    """One event for a function, and the request id that its response must name."""

    id: str
    function: Function
    event: bytes


class ProcessReport(Enum):
    """What a process did last, as seen through the Runtime API."""

    FETCHED = auto()  # It fetched the event.
    RESPONDED = auto()  # It returned the outcome and waits for the next event.
    ENDED = auto()  # It couldn't start, or it has ended.
    SILENT = auto()  # It did nothing within the given time.


class RuntimeApi:
    """
    The Runtime API of one process, on its own port.

    A process that replaces another gets a new API. An open request of the old process therefore can't
    fetch an event of the new one or answer for it.
    """

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._invocations: queue.SimpleQueue[FunctionInvocation | None] = queue.SimpleQueue()
        self._reports: queue.SimpleQueue[tuple[ProcessReport, Outcome | None]] = queue.SimpleQueue()
        self._current_id: str | None = None
        self._lock = threading.Lock()
        self._server = RuntimeApiServer(RuntimeApiHandler, self)
        self._server.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.port}"

    def offer(self, invocation: FunctionInvocation) -> None:
        """Let the process fetch this invocation next."""
        self._invocations.put(invocation)

    def wait(self, timeout_seconds: float) -> tuple[ProcessReport, Outcome | None]:
        """Return the next report of the process, with the outcome if it has one."""
        try:
            return self._reports.get(timeout=max(0.0, timeout_seconds))
        except queue.Empty:
            return ProcessReport.SILENT, None

    def report_end(self, outcome: Outcome) -> None:
        """Report, on behalf of the process, that it has ended."""
        self._reports.put((ProcessReport.ENDED, outcome))

    def close(self) -> None:
        self._closed.set()
        self._invocations.put(None)
        self._server.stop()

    def next_invocation(self) -> FunctionInvocation | None:
        """Wait for the next invocation and return it, or None once the API is closed."""
        while not self._closed.is_set():
            try:
                invocation = self._invocations.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if invocation is not None:
                with self._lock:
                    self._current_id = invocation.id
                self._reports.put((ProcessReport.FETCHED, None))
            return invocation
        return None

    def accept_outcome(self, request_id: str, outcome: Outcome) -> bool:
        """Accept the outcome and return True. Return False if `request_id` isn't the current invocation."""
        with self._lock:
            if self._closed.is_set() or request_id != self._current_id:
                return False
            self._current_id = None
        self._reports.put((ProcessReport.RESPONDED, outcome))
        return True


class RuntimeApiServer(LoopbackServer):
    """Serves only this account, because AWS's runtime client signs nothing."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return is_own_account(request)


class RuntimeApiHandler(RequestHandler):
    """The Runtime API over HTTP."""

    def do_GET(self) -> None:
        if self.path != f"{PREFIX}invocation/next":
            return self.respond(404, b'{"errorType": "NotFound"}')
        invocation = self.server.service.next_invocation()
        if invocation is None:
            self.close_connection = True
            return None
        deadline = int((time.time() + invocation.function.timeout_seconds) * 1000)
        # A trace id in X-Ray's form. Sampled=0 turns tracing off.
        digits = invocation.id.replace("-", "").ljust(32, "0")
        trace_id = f"Root=1-{digits[:8]}-{digits[8:32]};Parent={digits[:16]};Sampled=0"
        return self.respond(
            200,
            invocation.event,
            {
                "Lambda-Runtime-Aws-Request-Id": invocation.id,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": invocation.function.arn,
                "Lambda-Runtime-Trace-Id": trace_id,
            },
        )

    def do_POST(self) -> None:
        body = self.read_body()
        outcome = Outcome(payload=body, failed=True)
        match self.path.removeprefix(PREFIX).split("/"):
            case ["init", "error"]:
                self.server.service.report_end(outcome)
                return self.respond(202, b'{"status": "OK"}')
            case ["invocation", request_id, "error"]:
                pass
            case ["invocation", request_id, "response"] if len(body) > PAYLOAD_LIMIT:
                outcome = failed_outcome(
                    "Function.ResponseSizeTooLarge",
                    f"Response payload size ({len(body)} bytes) exceeded the maximum allowed "
                    f"({PAYLOAD_LIMIT} bytes).",
                )
            case ["invocation", request_id, "response"]:
                outcome = Outcome(payload=body)
            case _:
                return self.respond(404, b'{"errorType": "NotFound"}')
        if not self.server.service.accept_outcome(request_id, outcome):
            return self.respond(
                400, b'{"errorType": "InvalidRequestID", "errorMessage": "Invalid request ID"}'
            )
        return self.respond(202, b'{"status": "OK"}')
