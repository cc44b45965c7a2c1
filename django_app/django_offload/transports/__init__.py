"""How a message reaches the worker. Tests may put another transport in the place of a stack's own."""

from collections.abc import Callable, Mapping
from functools import cache

from ..conf import Options
from .base import Delivery, Transport

__all__ = ["Delivery", "Transport", "installed", "transport_of"]

# By stack: what stands in for AWS in this process, in tests and simulations.
installed: dict[str, Transport] = {}


def transport_of(options: Options, kind: str | None = None) -> Transport:
    """Return a backend's transport: the one installed for its stack, else `kind` (or its own) in AWS."""
    if options.stack in installed:
        return installed[options.stack]
    return _transports()[kind or options.transport](options)


@cache
def _transports() -> Mapping[str, Callable[[Options], Transport]]:
    """Import what no stand-in needs; once, for an import that is already made still takes its time."""
    from .lambda_invoke import LambdaTransport
    from .sqs import SQSTransport

    return {"sqs": SQSTransport, "lambda": LambdaTransport}
