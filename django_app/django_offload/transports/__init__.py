"""How a message reaches the worker. Tests may put another transport in the place of a stack's own."""

from ..conf import Options
from .base import Delivery, Transport

__all__ = ["Delivery", "Transport", "install", "transport_of", "uninstall"]

_installed: dict[str, Transport] = {}


def transport_of(options: Options, kind: str) -> Transport:
    """Return the transport of a stack: the one installed, else `kind`, "sqs" or "lambda", in AWS."""
    from .lambda_invoke import LambdaTransport
    from .sqs import SQSTransport

    kinds = {"sqs": SQSTransport, "lambda": LambdaTransport}
    return _installed.get(options.stack) or kinds[kind](options)


def install(stack: str, transport: Transport) -> None:
    """Make a transport of one's own that of a stack, in this process."""
    _installed[stack] = transport


def uninstall(stack: str) -> None:
    _installed.pop(stack, None)
