"""The files of a run, in the stack's bucket under payloads/lab/<run>/, where its lifecycle deletes them."""

import mimetypes

from django_offload.conf import configured
from django_offload.payloads import Payloads, payloads_of


def put(run: str, name: str, data: bytes) -> None:
    """Store one file of a run, and replace a file of the same name, so that an attempt can be repeated."""
    bucket().put(f"payloads/lab/{run}/{name}", data)


def get(run: str, name: str) -> bytes | None:
    """Return one file of a run, or None if it doesn't exist."""
    return bucket().get(f"payloads/lab/{run}/{name}")


def content_type(name: str) -> str:
    """Return the media type for a file name."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def bucket() -> Payloads:
    payloads = payloads_of(configured()["default"])
    if payloads is None:
        raise LookupError(
            "The stack has no bucket, in which the lab stores its files. Remove 'bucket': None from OPTIONS."
        )
    return payloads
