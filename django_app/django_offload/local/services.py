"""The two ways in: `LocalAWS` for code, `serve` for commands."""

from .local_aws import LocalAWS
from .serve import serve

__all__ = ["LocalAWS", "serve"]
