"""
A client of AWS for the few calls that the library makes all the time; it costs a fraction of boto3.

Names, arguments and results are those of boto3's client, but only the parts that the adapters use.
`client.exceptions` contains the refusals that callers catch; exceptions.py defines them all.
"""

from ...exceptions import CallFailed
from .client import Client
from .connecting import made_together
from .endpoint import endpoint_of
from .services import SQS, SSM, DynamoDB, Lambda, SecretsManager

__all__ = ["CallFailed", "Client", "client_of", "made_together"]

SERVICES = {service.name: service for service in (DynamoDB, Lambda, SQS, SSM, SecretsManager)}


def client_of(service: str, *, connect: float, read: float, tries: int) -> Client | None:
    """Return a client of a service, or None if only boto3 can reach the service or knows its protocol."""
    endpoint = endpoint_of(service) if service in SERVICES else None
    return Client(SERVICES[service](), endpoint, connect, read, tries) if endpoint else None
