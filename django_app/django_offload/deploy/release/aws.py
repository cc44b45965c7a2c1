"""AWS as whoever deploys reaches it: clients of one region, and the account."""

import os
from functools import cached_property
from typing import Any

from ...aws.loopback import is_loopback


class AWS:
    """Clients made by boto3's own standard means, for the region of a stage."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        if service not in self._clients:
            self._clients[service] = self._new(service, read_timeout=60, tries=5)
        return self._clients[service]

    def patient(self, service: str, seconds: int) -> Any:
        """Return a client whose calls may take this long, and are made once: repeated, it may run twice."""
        return self._new(service, read_timeout=seconds, tries=1)

    def _new(self, service: str, *, read_timeout: int, tries: int) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": tries},
            tcp_keepalive=True,
        )
        return boto3.session.Session(region_name=self.region).client(service, config=config)

    @cached_property
    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def domain(self) -> str:
        """Where the region's endpoints are."""
        return "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"

    @property
    def is_this_machine(self) -> bool:
        """Is it the stand-in that offload_local serves? There mappings run outside of CloudFormation."""
        return is_loopback(os.environ.get("AWS_ENDPOINT_URL", ""))


def one_line(exc: BaseException) -> str:
    """Return what an error of AWS says, on one line."""
    # A connection that broke has a response too: None.
    response: dict[str, dict[str, str]] = getattr(exc, "response", None) or {}
    return " ".join(str(response.get("Error", {}).get("Message") or exc).split())
