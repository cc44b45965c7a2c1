"""The functions that are deployed, as Lambda's own interface describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..aws.moto_server import MotoServer
from ..errors import FunctionMissing
from .unpacked import Unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: what it takes to invoke it."""

    name: str
    arn: str
    handler: str
    timeout_seconds: float
    memory: int  # MB.
    environment: Mapping[str, str] = field(default_factory=dict)
    code: Path | None = None  # Where its package is unpacked; None runs the working tree.
    python_path: str = ""  # That goes with the package.

    @property
    def log_group(self) -> str:
        return f"/aws/lambda/{self.name}"


def name_of(function: str) -> str:
    """Return the name in a function's name, ARN or partial ARN, with or without a qualifier."""
    parts = function.split(":")
    if "function" in parts:
        return parts[parts.index("function") + 1]
    return parts[0]


class Functions:
    """
    Finds deployed functions; what was found once is remembered until `forget()`.

    With `unpacked` a function runs the code it was deployed with, and is asked for each time: a new
    deployment counts from the next invocation on.
    """

    def __init__(self, server: MotoServer, unpacked: Unpacked | None = None) -> None:
        self.server, self._unpacked = server, unpacked
        self._known: dict[str, Function] = {}

    def find(self, function: str) -> Function:
        """Return the function of a name or ARN. Raise FunctionMissing if none is deployed."""
        name = name_of(function)
        if name not in self._known or self._unpacked is not None:
            self._known[name] = self._ask(name)
        return self._known[name]

    def forget(self) -> None:
        self._known.clear()

    def _ask(self, name: str) -> Function:
        client = self.server.client("lambda")
        try:
            said = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException as exc:
            raise FunctionMissing(name) from exc
        environment = said.get("Environment", {}).get("Variables", {})
        return Function(
            name=name,
            arn=said["FunctionArn"],
            handler=said["Handler"],
            timeout_seconds=said["Timeout"],
            memory=said["MemorySize"],
            environment=environment,
            **self._code(name, environment.get("PYTHONPATH", "")),
        )

    def _code(self, name: str, deployed: str) -> dict[str, Any]:
        if self._unpacked is None:
            return {}
        code = self._unpacked.code_of(name)
        return {"code": code, "python_path": self._unpacked.python_path(code, deployed)}
