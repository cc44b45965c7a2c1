"""What is too large, or too doubtful, for a message or a record."""

from ..conf import Options
from .base import Payloads

__all__ = ["Payloads", "bucket_name", "installed", "payloads_of"]

# By stack: what stands in for AWS in this process, in tests and simulations.
installed: dict[str, Payloads] = {}


def payloads_of(options: Options) -> Payloads | None:
    """Return the payloads of a stack: those installed, else its bucket's; None where it has no bucket."""
    from .s3 import S3Payloads

    if options.stack in installed:
        return installed[options.stack]
    bucket = bucket_name(options)
    return S3Payloads(bucket) if bucket else None


def bucket_name(options: Options) -> str | None:
    """Return the name of the stack's bucket, None where it has none."""
    from .s3 import bucket_name

    return bucket_name(options)
