"""How a function is run: the seam, and the way that runs handlers in this process."""

import json
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .functions import Function
from .lambda_context import LambdaContext, log_stream_name

Handler = Callable[[Any, Any], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an invocation came to: the payload as JSON, and whether it describes an error of the function."""

    payload: bytes
    failed: bool = False

    def read(self) -> Any:
        """Return the payload's value. Raise ValueError if it is not JSON."""
        return json.loads(self.payload) if self.payload.strip() else None

    @property
    def error(self) -> str:
        """One line that says why the function failed."""
        try:
            said = self.read()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            return self.payload.decode(errors="replace")
        return f"{said.get('errorType', 'Error')}: {said.get('errorMessage', '')}"


def failure(kind: str, message: str, **more: object) -> Outcome:
    """Return the outcome of a function that failed, in Lambda's form."""
    said = {"errorMessage": message, "errorType": kind, **more}
    return Outcome(payload=json.dumps(said).encode(), failed=True)


class Invoker(ABC):
    """Runs functions."""

    @abstractmethod
    def invoke(self, function: Function, event: bytes) -> Outcome:
        """Run `function` with `event`, JSON, and return what came of it; an error is an outcome too."""

    @abstractmethod
    def close(self) -> None:
        """End everything that was started to run functions."""

    def renew(self) -> int:
        """Have later invocations run new code where that can be; return how many still run the old."""
        return 0


class InProcess(Invoker):
    """
    Calls handlers in this process, with Lambda's contract but for one: nothing ends them at their timeout.

    Event and response go through JSON, as on Lambda. An error of the handler is an outcome;
    KeyboardInterrupt alone passes.
    """

    def __init__(self) -> None:
        from ...stack.layout import import_roots

        self._log_stream = log_stream_name()
        # Last, where a process of a function's own has them too.
        sys.path.extend(root for root in import_roots() if root not in sys.path)

    def invoke(self, function: Function, event: bytes) -> Outcome:
        context = LambdaContext(function, log_stream=self._log_stream)
        try:
            response = load(function.handler)(json.loads(event), context)
        except SystemExit as exc:
            return failure("Runtime.ExitError", f"Error: Runtime exited with error: exit status {exc.code}")
        except Exception as exc:  # noqa: BLE001 - whatever a handler raises is Lambda's answer.
            stack = traceback.format_tb(exc.__traceback__)
            return failure(type(exc).__name__, str(exc), requestId=context.aws_request_id, stackTrace=stack)
        try:
            return Outcome(payload=json.dumps(response).encode())
        except (TypeError, ValueError) as exc:
            return failure("Runtime.MarshalError", f"Unable to marshal response: {exc}")

    def close(self) -> None:
        """Do nothing: nothing was started."""


def load(handler: str) -> Handler:
    """Return the callable that "module.name" means. Raise ImportError or AttributeError if there is none."""
    module, _, name = handler.rpartition(".")
    found: Handler = getattr(import_module(module.replace("/", ".")), name)
    return found


def runtime_client_missing() -> str | None:
    """Return why functions cannot run in processes of AWS's own runtime client here; None where they can."""
    from importlib.util import find_spec

    if sys.platform != "linux":
        return "AWS's runtime client, awslambdaric, needs Linux"
    if find_spec("awslambdaric") is None:
        return 'awslambdaric is not installed (pip install "django-offload[local]" brings it)'
    return None
