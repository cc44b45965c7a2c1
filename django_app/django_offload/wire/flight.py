"""See django_offload.wire."""

from ..exceptions import LeftOut

__all__ = ["LeftOut"]
