"""Functions that run in this process, and the context object that Lambda passes to a handler."""

import json
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any
from uuid import uuid4

from .functions import Function, log_stream_name
from .invoker import Invoker, Outcome, failed_outcome
from .project_modules import import_error, source_roots


class LambdaContext:
    """The invocation's facts, under Lambda's own names."""

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
        # A string, because AWS's runtime reads it from an environment variable.
        self.memory_limit_in_mb = str(function.memory)
        self.invoked_function_arn = function.arn
        self.aws_request_id = request_id or str(uuid4())
        self.log_group_name = function.log_group
        self.log_stream_name = log_stream or log_stream_name()
        self._clock = clock
        self._deadline = clock() + function.timeout_seconds

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - self._clock()) * 1000))


class InProcessInvoker(Invoker):
    """
    Calls handlers in this process as Lambda does, except that no timeout stops them.

    Event and response pass through JSON, as on Lambda. A handler's exception becomes a failed outcome.
    Only KeyboardInterrupt is raised.
    """

    def __init__(self) -> None:
        from ...stack.layout import import_roots

        self._log_stream = log_stream_name()
        self._checked_handlers: set[str] = set()  # Those that are in the project.
        # At the end, as in the import path of a function's own process.
        sys.path.extend(root for root in import_roots() if root not in sys.path)

    def invoke(self, function: Function, event: bytes) -> Outcome:
        if function.handler not in self._checked_handlers:
            error = import_error(function.handler, source_roots())
            if error is not None:
                return error
            self._checked_handlers.add(function.handler)
        context = LambdaContext(function, log_stream=self._log_stream)
        try:
            module, _, name = function.handler.rpartition(".")
            handler: Callable[[Any, Any], object] = getattr(import_module(module.replace("/", ".")), name)
            response = handler(json.loads(event), context)
        except SystemExit as exc:
            return failed_outcome(
                "Runtime.ExitError", f"Error: Runtime exited with error: exit status {exc.code}"
            )
        except Exception as exc:  # noqa: BLE001 - Lambda answers with any exception of a handler.
            return failed_outcome(
                type(exc).__name__,
                str(exc),
                requestId=context.aws_request_id,
                stackTrace=traceback.format_tb(exc.__traceback__),
            )
        try:
            return Outcome(payload=json.dumps(response).encode())
        except (TypeError, ValueError) as exc:
            return failed_outcome("Runtime.MarshalError", f"Unable to marshal response: {exc}")

    def close(self) -> None:
        """Do nothing, because handlers run in the caller's thread."""
