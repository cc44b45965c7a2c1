"""The import paths that errors of calls to AWS had in 0.1.0, because stored records and messages use them."""

from ..exceptions import CallFailed, LeftOut

__all__ = ["CallFailed", "LeftOut"]
