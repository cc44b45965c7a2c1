"""One call: sent, answered, tried again where that helps, and all of it within the budget."""

import logging
import time
from typing import TYPE_CHECKING

from ...exceptions import CallFailed, NoAnswer, OutOfTime, Refusal, StaleConnection
from ..time_budget import LEAST_SECONDS, seconds_left
from .answer import Answer
from .connection import Connection
from .credentials import credentials, renewed
from .opening import Opening, is_for_later
from .service import Request, Result
from .skew import skew_of

if TYPE_CHECKING:
    from .client import Client

logger = logging.getLogger("django_offload")

# For an answer that may be there already, although the time is up.
SHORTEST_WAIT_SECONDS = 0.05
FIRST_REFUSAL_STATUS = 300
# How AWS refuses keys that have been renewed since they were read, or that were read while they were renewed:
# one of them old, one new.
OUTDATED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class Call:
    """
    A call under way: its request was sent when it was made, as far as that was possible.

    Dropped without its result, it closes its connection.
    """

    def __init__(self, client: "Client", request: Request) -> None:
        self._client, self._request = client, request
        self._connection: Connection | None = None
        self._opening: Opening | None = None
        self._failure: CallFailed | None = None
        self._tries = 0
        self._begin()

    def result(self) -> Result:
        """Return what boto3 would. Raise Refusal or NoAnswer, once further tries would help no more."""
        last: CallFailed | None = None
        while True:
            try:
                found = self._finish()
            except CallFailed as exc:
                pause, last = self._pause(exc), exc
                if pause is None:
                    raise
                logger.debug("%s is tried again in %.2f s: %s", self._request.operation, pause, exc)
            else:
                self._client.retries.succeeded(last)
                return found
            if pause:
                time.sleep(pause)
            self._begin()

    def _begin(self) -> None:
        """Send the request; _finish() tells what went wrong. Raise OutOfTime if it is too late to begin."""
        left = seconds_left()
        if left is not None and left < LEAST_SECONDS:
            raise OutOfTime(f"A call to {self._client.service.name}")
        self._tries += 1
        self._failure, self._used, self._skew = None, credentials(), self._client.skew
        self._sent = self._client.signed(self._request, self._used)
        try:
            self._connection = self._client.pool.take()
            if self._connection is None:
                self._send_afresh()
                return
            try:
                self._connection.send(self._sent, _bounded(self._client.read_timeout, left))
            except StaleConnection:
                self._send_afresh()
        except NoAnswer as exc:
            self._failure = exc

    def _send_afresh(self) -> None:
        client = self._client
        opening = client.pool.opening(
            self._sent,
            _bounded(client.connect_timeout, seconds_left()),
            lambda: _bounded(client.read_timeout, seconds_left()),
        )
        if is_for_later(opening):
            self._opening = opening
        else:
            self._connection = opening.connection()

    def _finish(self) -> Result:
        """Return what this try's answer says. Raise CallFailed if it is not what was asked for."""
        if self._failure is not None:
            raise self._failure
        answer = self._answer()
        if answer.status >= FIRST_REFUSAL_STATUS:
            raise self._client.service.refusal(self._request.operation, answer)
        try:
            return self._client.service.result(answer)
        except ValueError as exc:
            raise NoAnswer(self._client.address.url, "What is no answer came from endpoint URL:") from exc

    def _answer(self) -> Answer:
        try:
            answer = self._receive()
        except StaleConnection:
            # Closed while it waited, or while this process was frozen: the call was hardly read, and may be
            # repeated in any case.
            self._send_afresh()
            answer = self._receive()
        connection, self._connection = self._connection, None
        if connection is not None:
            self._client.pool.give(connection)
        return answer

    def _receive(self) -> Answer:
        if self._opening is not None:
            opening, self._opening = self._opening, None
            self._connection = opening.connection()
        assert self._connection is not None
        return self._connection.receive(_bounded(self._client.read_timeout, seconds_left()))

    def _pause(self, failure: CallFailed) -> float | None:
        """Return after how many seconds to try again, None where that helps no more."""
        client = self._client
        if isinstance(failure, Refusal) and self._tries < client.retries.most_tries:
            # Against the clock that signed this call: another may have corrected the client's meanwhile.
            skew = skew_of(failure, time.time() + self._skew)
            if skew is not None:
                client.skew = self._skew + skew
                return 0.0
            if failure.code in OUTDATED and renewed(self._used):
                return 0.0
        left = seconds_left()
        if left is not None and left < LEAST_SECONDS:
            return None
        pause = client.retries.pause(failure, self._tries)
        return None if pause is not None and left is not None and left < pause + LEAST_SECONDS else pause


def _bounded(seconds: float, left: float | None) -> float:
    """Return a time-out no longer than what is left, and never none at all."""
    return seconds if left is None else max(min(seconds, left), SHORTEST_WAIT_SECONDS)
