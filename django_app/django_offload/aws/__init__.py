"""AWS: this process's clients, the time that their calls may take, and calls under way together."""

from .clients import BOTO3, LEAN, begun, client, failures, reset_clients, under_way
from .concurrent import begin_together, made_in_turn, pause_before_retry
from .lean import credentials, made_together
from .lean.retry import is_throttled, throttled_once
from .time_budget import READ_SECONDS, at_most, each_at_most, reading, within

__all__ = [
    "BOTO3",
    "LEAN",
    "READ_SECONDS",
    "at_most",
    "begin_together",
    "begun",
    "client",
    "credentials",
    "each_at_most",
    "failures",
    "is_throttled",
    "made_in_turn",
    "made_together",
    "pause_before_retry",
    "reading",
    "reset_clients",
    "throttled_once",
    "under_way",
    "within",
]
