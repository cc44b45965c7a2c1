"""
What can go wrong with AWS on this machine.

    OffloadError
    └── LocalAWSError
        ├── PackageMissing      the extra that brings moto is not installed
        ├── PortTaken           something else listens there
        ├── NotThisMachine      the environment points at a real AWS
        ├── StackFailed         CloudFormation could not create the stack
        └── FunctionMissing     no function of that name is deployed
"""

from ..exceptions import OffloadError


class LocalAWSError(OffloadError):
    """AWS on this machine cannot start, or cannot go on."""


class PackageMissing(LocalAWSError):
    """A package of the extra `local` is not installed."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(
            f"AWS on this machine needs the package {package}, which is not installed. "
            'Install it with: pip install "django-offload[local]"'
        )


class PortTaken(LocalAWSError):
    """Another program listens on a port that was asked for."""

    def __init__(self, port: int, purpose: str, remedy: str) -> None:
        self.port = port
        super().__init__(
            f"Port {port} of 127.0.0.1, wanted for {purpose}, is taken by another program. {remedy}"
        )


class NotThisMachine(LocalAWSError):
    """The environment already names an AWS endpoint that is not on this machine."""

    def __init__(self, variable: str, value: str) -> None:
        super().__init__(
            f"{variable} is {value}, which is not on this machine: another AWS, which must stay untouched. "
            f"Unset {variable} first."
        )


class StackFailed(LocalAWSError):
    """CloudFormation on this machine did not create the stack."""

    def __init__(self, stack: str, reasons: str) -> None:
        super().__init__(
            f"The stack {stack} was not created: {reasons}. Correct TASKS, or look at the template with "
            "manage.py offload_template."
        )


class FunctionMissing(LocalAWSError):
    """No deployed function has this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Function not found: {name}. Deploy the stack that makes it, or correct the name.")
