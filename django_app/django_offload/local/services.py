"""The two ways in: `LocalAWS` for code, `serve` for commands."""

from .aws.local_aws import LocalAWS
from .serve.session import serve

__all__ = ["LocalAWS", "serve"]
