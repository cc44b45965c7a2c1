"""See django_offload.wire."""

from ...exceptions import (
    CallFailed,
    ConditionalCheckFailedException,
    NoAnswer,
    NoCredentials,
    NotConfigured,
    QueueDoesNotExist,
    Refusal,
    ResourceNotFoundException,
    StaleConnection,
)

__all__ = [
    "CallFailed",
    "ConditionalCheckFailedException",
    "NoAnswer",
    "NoCredentials",
    "NotConfigured",
    "QueueDoesNotExist",
    "Refusal",
    "ResourceNotFoundException",
    "StaleConnection",
]
