"""
A client of AWS for the few calls that are made all the time, at a fraction of boto3's time and memory.

Names, arguments and results are those of boto3's client, but for ResponseMetadata and what no adapter uses;
`client.exceptions` has the refusals that somebody catches. All exceptions stand in errors.py.
"""

from ...exceptions import CallFailed
from .client import Client
from .dynamodb import DynamoDB
from .endpoint import endpoint_of
from .lambda_ import Lambda
from .opening import made_together
from .secrets_manager import SecretsManager
from .sqs import SQS
from .ssm import SSM

__all__ = ["CallFailed", "Client", "client_of", "made_together"]

SERVICES = {service.name: service for service in (DynamoDB, Lambda, SQS, SSM, SecretsManager)}


def client_of(service: str, *, connect: float, read: float, tries: int) -> Client | None:
    """Return a client of a service; None where only boto3 can reach it, or speaks its protocol."""
    endpoint = endpoint_of(service) if service in SERVICES else None
    return Client(SERVICES[service](), endpoint, connect, read, tries) if endpoint else None
