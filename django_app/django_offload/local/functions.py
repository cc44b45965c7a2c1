"""The functions that are deployed, as Lambda's own interface describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import FunctionMissing
from .moto_server import MotoServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function: what it takes to invoke it."""

    name: str
    arn: str
    handler: str
    timeout_seconds: float
    memory: int  # MB.
    environment: Mapping[str, str] = field(default_factory=dict)

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
    """Finds deployed functions; what was found once is remembered until `forget()`."""

    def __init__(self, server: MotoServer) -> None:
        self._server = server
        self._known: dict[str, Function] = {}

    def find(self, function: str) -> Function:
        """Return the function of a name or ARN. Raise FunctionMissing if none is deployed."""
        name = name_of(function)
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]

    def forget(self) -> None:
        self._known.clear()

    def _ask(self, name: str) -> Function:
        client = self._server.client("lambda")
        try:
            said = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException as exc:
            raise FunctionMissing(name) from exc
        return Function(
            name=name,
            arn=said["FunctionArn"],
            handler=said["Handler"],
            timeout_seconds=said["Timeout"],
            memory=said["MemorySize"],
            environment=said.get("Environment", {}).get("Variables", {}),
        )
