"""The interface of everything that runs functions, and the outcome of an invocation."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from .functions import Function


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The JSON payload of an invocation. If `failed`, it describes the function's error."""

    payload: bytes
    failed: bool = False

    def value(self) -> Any:
        """Return the payload's value. Raise ValueError if it isn't JSON."""
        return json.loads(self.payload) if self.payload.strip() else None

    @property
    def error(self) -> str:
        """The reason why the function failed, in one line."""
        try:
            value = self.value()
        except ValueError:
            value = None
        if not isinstance(value, dict):
            return self.payload.decode(errors="replace")
        return f"{value.get('errorType', 'Error')}: {value.get('errorMessage', '')}"


def failed_outcome(error_type: str, message: str, **details: object) -> Outcome:
    """Return the outcome of a function that failed, in Lambda's form."""
    error = {"errorMessage": message, "errorType": error_type, **details}
    return Outcome(payload=json.dumps(error).encode(), failed=True)


class Invoker(ABC):
    """Runs functions."""

    @abstractmethod
    def invoke(self, function: Function, event: bytes) -> Outcome:
        """Run `function` with a JSON event and return its outcome, also if it failed."""

    @abstractmethod
    def close(self) -> None:
        """Stop everything that was started to run functions."""

    def reload(self) -> int:
        """Run later invocations with new code if possible. Return how many workers still run old code."""
        return 0
