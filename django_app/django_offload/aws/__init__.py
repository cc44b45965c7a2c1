"""AWS: the clients of this process, the time their calls may take, and calls under way together."""

from .clients import BOTO3, LEAN, client, failures, reset_clients, under_way
from .concurrent import another_round, begin_together, begun, together
from .lean import credentials, made_together
from .time_budget import at_most, within

__all__ = [
    "BOTO3",
    "LEAN",
    "another_round",
    "at_most",
    "begin_together",
    "begun",
    "client",
    "credentials",
    "failures",
    "made_together",
    "reset_clients",
    "together",
    "under_way",
    "within",
]
