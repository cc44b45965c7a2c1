"""
The errors of AWS on this machine.

    OffloadError
    └── LocalAWSError
        ├── PackageMissing      A package of the extra `local` is missing.
        ├── PortTaken           Another program uses the port.
        ├── NotThisMachine      The environment points to another AWS.
        ├── StackFailed         CloudFormation couldn't create the stack.
        ├── StartFailed         A part of it didn't start.
        ├── FunctionMissing     No function with this name is deployed.
        └── QueueCallFailed     SQS refused a call of a mapping.
"""

from ..exceptions import OffloadError


class LocalAWSError(OffloadError):
    """AWS on this machine can't start or can't continue."""


class PackageMissing(LocalAWSError):
    """A package of the extra `local` is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(
            f"AWS on this machine needs the package {package}, which isn't installed. "
            'Install it with: pip install "django-offload[local]"'
        )


class PortTaken(LocalAWSError):
    """Another program listens on the requested port."""

    def __init__(self, port: int, purpose: str, remedy: str) -> None:
        self.port = port
        super().__init__(
            f"Port {port} on 127.0.0.1 isn't free for {purpose} because another program uses it. {remedy}"
        )


class NotThisMachine(LocalAWSError):
    """The environment names an AWS endpoint that is not on this machine."""

    def __init__(self, variable: str, value: str) -> None:
        super().__init__(
            f"{variable} points to {value}, which isn't on this machine, so nothing was started. "
            f"Unset {variable} first."
        )


class StackFailed(LocalAWSError):
    """CloudFormation on this machine couldn't create the stack."""

    def __init__(self, stack: str, reasons: str) -> None:
        super().__init__(
            f"The stack {stack} couldn't be created: {reasons}. Correct TASKS, or check the template with "
            "manage.py offload_template."
        )


class StartFailed(LocalAWSError):
    """A part of AWS on this machine didn't start, or didn't answer in time."""

    def __init__(self, step: str, seconds: float, reason: object) -> None:
        self.step = step
        super().__init__(
            f"AWS on this machine didn't start: after {seconds:.0f} s, {step} ended with "
            f'"{" ".join(str(reason).split()).rstrip(".")}". Start it again; if that fails too, stop other '
            "programs that keep this machine busy."
        )


class FunctionMissing(LocalAWSError):
    """No function with this name is deployed."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"Function not found: {name}. Deploy the stack that creates it, or correct the name."
        )


class QueueCallFailed(LocalAWSError):
    """SQS on this machine refused a call of an event source mapping."""

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(
            f"SQS on this machine refused {operation}: {reason.rstrip('.')}. If you deleted the queue, start "
            "offload_local again."
        )
