"""AWS as whoever deploys reaches it: clients of one region, and the account."""

import os
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class AWS:
    """Clients made by boto3's own standard means, for the region of a stage."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._clients: dict[str, Any] = {}

    def client(self, service: str, *, read_seconds: int = 60) -> Any:
        """Return the client of a service; `read_seconds` is how long one call may take."""
        import boto3
        from botocore.config import Config

        if service not in self._clients:
            config = Config(read_timeout=read_seconds, retries={"mode": "standard", "total_max_attempts": 5})
            session = boto3.session.Session(region_name=self.region)
            self._clients[service] = session.client(service, config=config)
        return self._clients[service]

    @cached_property
    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def is_this_machine(self) -> bool:
        """Is it the stand-in that offload_local serves? There mappings run outside of CloudFormation."""
        return (urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname or "") in _LOOPBACK


def one_line(exc: BaseException) -> str:
    """Return what an error of AWS says, on one line."""
    # A connection that broke has a response too: None.
    response: dict[str, dict[str, str]] = getattr(exc, "response", None) or {}
    return " ".join(str(response.get("Error", {}).get("Message") or exc).split())
