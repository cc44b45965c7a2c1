"""The deployed functions, as Lambda describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from ..aws.moto_server import MotoServer
from ..errors import FunctionMissing
from .deployed_code import DeployedCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """The settings that invoking a function needs."""

    name: str
    arn: str
    handler: str
    timeout_seconds: float
    memory: int  # MB.
    environment: Mapping[str, str] = field(default_factory=dict)
    code: Path | None = None  # The folder with its unpacked package. None runs the working tree.
    python_path: str = ""  # PYTHONPATH for the unpacked package.

    @property
    def log_group(self) -> str:
        return f"/aws/lambda/{self.name}"


def log_stream_name() -> str:
    """Return a log stream name in Lambda's form: 2026/11/22/[$LATEST]<32 hex digits>."""
    return f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid4().hex}"


def function_name(reference: str) -> str:
    """Return the name in a function's name, ARN or partial ARN, with or without a qualifier."""
    parts = reference.split(":")
    if "function" in parts:
        return parts[parts.index("function") + 1]
    return parts[0]


class DeployedFunctions:
    """
    Looks up deployed functions and caches them until `clear_cache()`.

    With `deployed_code` a function runs the package that it was deployed with. Its configuration is then
    read for every invocation, so that a new deployment takes effect at once.
    """

    def __init__(self, server: MotoServer, deployed_code: DeployedCode | None = None) -> None:
        self.server, self._deployed_code = server, deployed_code
        self._cache: dict[str, Function] = {}

    def get(self, reference: str) -> Function:
        """Return the function with this name or ARN. Raise FunctionMissing if it isn't deployed."""
        name = function_name(reference)
        if name in self._cache and self._deployed_code is None:
            return self._cache[name]
        client = self.server.client("lambda")
        try:
            configuration = client.get_function_configuration(FunctionName=name)
        except client.exceptions.ResourceNotFoundException as exc:
            raise FunctionMissing(name) from exc
        environment = configuration.get("Environment", {}).get("Variables", {})
        code, python_path = None, ""
        if self._deployed_code is not None:
            code = self._deployed_code.folder_of(name)
            python_path = self._deployed_code.python_path(code, environment.get("PYTHONPATH", ""))
        self._cache[name] = Function(
            name=name,
            arn=configuration["FunctionArn"],
            handler=configuration["Handler"],
            timeout_seconds=configuration["Timeout"],
            memory=configuration["MemorySize"],
            environment=environment,
            code=code,
            python_path=python_path,
        )
        return self._cache[name]

    def clear_cache(self) -> None:
        self._cache.clear()
