"""See django_offload.wire."""

from ...exceptions import CallFailed

__all__ = ["CallFailed"]
