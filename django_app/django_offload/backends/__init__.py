"""The two backends: validate, write the record, send the message; read a result."""

from .base import LambdaBackend, OffloadBackend, SQSBackend

__all__ = ["LambdaBackend", "OffloadBackend", "SQSBackend"]
