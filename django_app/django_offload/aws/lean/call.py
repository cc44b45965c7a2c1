"""One call: it is sent, tried again where that helps, and ends within the time budget."""

import logging
import time
from typing import TYPE_CHECKING

from ...exceptions import CallFailed, NoAnswer, OutOfTime, Refusal, StaleConnection
from ..time_budget import LEAST_SECONDS, begin_call, seconds_left
from .connecting import PendingConnection, join_group
from .connection import Connection
from .credentials import credentials, renewed_since
from .response import Response
from .retry import OUTDATED_KEYS, clock_skew
from .services import Request, Result

if TYPE_CHECKING:
    from .client import Client

logger = logging.getLogger("django_offload")

# Enough to read a response that has already arrived when the time is up.
SHORTEST_WAIT_SECONDS = 0.05
FIRST_REFUSAL_STATUS = 300


class Call:
    """
    A call under way. Creating it sends the request, unless the connection has to be made first.

    A call that is dropped without its result closes its connection.
    """

    def __init__(self, client: "Client", request: Request) -> None:
        self._client, self._request = client, request
        self._connection: Connection | None = None
        self._pending: PendingConnection | None = None
        self._failure: CallFailed | None = None
        self._tries = 0
        begin_call()
        self.send()

    def result(self) -> Result:
        """Return what boto3 would. Raise Refusal or NoAnswer when further tries would not help."""
        last_failure: CallFailed | None = None
        while True:
            try:
                result = self.finish_try()
            except CallFailed as exc:
                pause, last_failure = self._pause_after(exc), exc
                if pause is None:
                    raise
                logger.debug("%s is tried again in %.2f s: %s", self._request.operation, pause, exc)
            else:
                self._client.retries.refill(last_failure)
                return result
            if pause:
                time.sleep(pause)
            self.send()

    def send(self) -> None:
        """Start a try; finish_try() raises what went wrong. Raise OutOfTime if too little time is left."""
        left = seconds_left()
        if left is not None and left < LEAST_SECONDS:
            raise OutOfTime(f"A call to {self._client.service.name}")
        self._tries += 1
        self._failure, self._credentials, self._clock_skew = None, credentials(), self._client.clock_skew
        self._signed_request = self._client.signed(self._request, self._credentials)
        try:
            self._connection = self._client.pool.take()
            if self._connection is None:
                self._send_on_new_connection()
                return
            try:
                self._connection.send(self._signed_request, bounded(self._client.read_timeout, left))
            except StaleConnection:
                self._send_on_new_connection()
        except NoAnswer as exc:
            self._failure = exc

    def _send_on_new_connection(self) -> None:
        client = self._client
        pending = client.pool.connect(
            self._signed_request,
            bounded(client.connect_timeout, seconds_left()),
            lambda: bounded(client.read_timeout, seconds_left()),
        )
        if join_group(pending):
            self._pending = pending
        else:
            self._connection = pending.connection()

    def finish_try(self) -> Result:
        """Wait for the response and return its result. Raise CallFailed if this try has failed."""
        if self._failure is not None:
            raise self._failure
        try:
            response = self._receive()
        except StaleConnection:
            # The server closed the connection while it was idle, or while this process was frozen. It has
            # hardly read the request, and every call may be repeated anyway.
            self._send_on_new_connection()
            response = self._receive()
        connection, self._connection = self._connection, None
        if connection is not None:
            self._client.pool.put_back(connection)
        if response.status >= FIRST_REFUSAL_STATUS:
            raise self._client.service.refusal(self._request.operation, response)
        try:
            return self._client.service.result(response)
        except ValueError as exc:
            raise NoAnswer(self._client.address.url, "An invalid answer came from the endpoint URL:") from exc

    def _receive(self) -> Response:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self._connection = pending.connection()
        assert self._connection is not None
        return self._connection.receive(bounded(self._client.read_timeout, seconds_left()))

    def _pause_after(self, failure: CallFailed) -> float | None:
        """Return the seconds to wait before another try, or None if another try would not help."""
        client = self._client
        if isinstance(failure, Refusal) and self._tries < client.retries.most_tries:
            # Compare with the clock that signed this call, because another call may have corrected it since.
            skew = clock_skew(failure, time.time() + self._clock_skew)
            if skew is not None:
                client.clock_skew = self._clock_skew + skew
                return 0.0
            if failure.code in OUTDATED_KEYS and renewed_since(self._credentials):
                return 0.0
        left = seconds_left()
        if left is not None and left < LEAST_SECONDS:
            return None
        pause = client.retries.pause(failure, self._tries)
        return None if pause is not None and left is not None and left < pause + LEAST_SECONDS else pause


def bounded(seconds: float, left: float | None) -> float:
    """Return a time-out that is no longer than the time left, and never 0."""
    return seconds if left is None else max(min(seconds, left), SHORTEST_WAIT_SECONDS)
