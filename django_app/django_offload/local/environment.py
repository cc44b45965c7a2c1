"""The environment that leads every AWS client to this machine, and keeps it away from any other AWS."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from .errors import NotThisMachine

DEFAULT_REGION = "us-east-1"


def variables(endpoint: str, *, region: str, lambda_endpoint: str | None = None) -> dict[str, str]:
    """
    Return what every process needs so that boto3 reaches AWS on this machine.

    The user's own configuration files are shut out: a profile there may name other endpoints or keys.
    """
    found = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    if lambda_endpoint is not None:
        found["AWS_ENDPOINT_URL_LAMBDA"] = lambda_endpoint
    return found


def without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without AWS's variables: profiles, session tokens, endpoints of single services."""
    return {key: value for key, value in environ.items() if not key.startswith("AWS_")}


@contextmanager
def applied(changes: Mapping[str, str]) -> Iterator[None]:
    """Give this process `changes` and no other variable of AWS, until the block ends."""
    before = {key: value for key, value in os.environ.items() if key.startswith("AWS_") or key in changes}
    for key in before:
        del os.environ[key]
    os.environ.update(changes)
    try:
        yield
    finally:
        for key in changes:
            os.environ.pop(key, None)
        os.environ.update(before)


def refuse_other_aws(environ: Mapping[str, str]) -> None:
    """Raise NotThisMachine if `environ` names an endpoint that is not on loopback."""
    for variable, value in environ.items():
        if variable.startswith("AWS_ENDPOINT_URL") and value and not _is_loopback(value):
            raise NotThisMachine(variable, value)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
