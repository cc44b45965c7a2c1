"""Where errors of calls to AWS were until 2026-11-30: their paths stand in stored records and in messages."""

from ..exceptions import CallFailed, LeftOut

__all__ = ["CallFailed", "LeftOut"]
