"""The files of a run, in the stack's bucket under payloads/lab/<run>/: its lifecycle removes them."""

import mimetypes

from django_offload.conf import configured
from django_offload.payloads import Payloads, payloads_of


def put(run: str, name: str, data: bytes) -> None:
    """Store one file of a run; the same name again replaces it, so that a repeated attempt does no harm."""
    _bucket().put(f"payloads/lab/{run}/{name}", data)


def get(run: str, name: str) -> bytes | None:
    """Return one file of a run, None if there is none."""
    return _bucket().get(f"payloads/lab/{run}/{name}")


def content_type(name: str) -> str:
    """Return the media type that a file's name stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def _bucket() -> Payloads:
    bucket = payloads_of(configured()["default"])
    if bucket is None:
        raise LookupError(
            "The stack has no bucket. Remove 'bucket': None from OPTIONS: the lab keeps its files there."
        )
    return bucket
