"""The context that Lambda hands to a handler beside the event."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

from .functions import Function


def log_stream_name() -> str:
    """Return a name as Lambda gives to an execution environment: 2026/11/22/[$LATEST]<32 hex digits>."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid4().hex}"


class LambdaContext:
    """What a handler may ask of its invocation, under Lambda's own names."""

    function_version = "$LATEST"
    client_context = None
    identity = None

    def __init__(
        self,
        function: Function,
        *,
        request_id: str | None = None,
        log_stream: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.function_name = function.name
        # A text, as the variable of the environment that AWS's runtime reads it from.
        self.memory_limit_in_mb = str(function.memory)
        self.invoked_function_arn = function.arn
        self.aws_request_id = request_id or str(uuid4())
        self.log_group_name = function.log_group
        self.log_stream_name = log_stream or log_stream_name()
        self._clock = clock
        self._deadline = clock() + function.timeout_seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - self._clock()) * 1000))
