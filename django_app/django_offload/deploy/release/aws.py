"""Clients and facts of the AWS account and region that a stage is deployed to."""

import os
from functools import cached_property
from typing import Any

from ...aws.explain import waiter_failure
from ...aws.loopback import is_loopback


class AWS:
    """boto3 clients for the region of a stage, with a profile or as boto3's standard means configure them."""

    def __init__(self, region: str, profile: str | None = None) -> None:
        self.region, self.profile = region, profile
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        if service not in self._clients:
            self._clients[service] = self._new_client(service, read_timeout=60, attempts=5)
        return self._clients[service]

    def patient(self, service: str, seconds: int) -> Any:
        """
        Return a client that waits up to `seconds` for each response.

        It never repeats a call, because the first one may still be running.
        """
        return self._new_client(service, read_timeout=seconds, attempts=1)

    def _new_client(self, service: str, *, read_timeout: int, attempts: int) -> Any:
        import boto3
        from botocore.config import Config

        config = Config(
            read_timeout=read_timeout,
            retries={"mode": "standard", "total_max_attempts": attempts},
            tcp_keepalive=True,
        )
        return boto3.session.Session(profile_name=self.profile, region_name=self.region).client(
            service, config=config
        )

    @cached_property
    def account(self) -> str:
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def domain(self) -> str:
        """The domain of the region's endpoints."""
        return "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"

    @property
    def is_local(self) -> bool:
        """True for the local AWS of offload_local, which runs the mappings outside of CloudFormation."""
        return is_local()


def is_local() -> bool:
    """Return True if the clients of this process call the local AWS of offload_local."""
    return is_loopback(os.environ.get("AWS_ENDPOINT_URL", ""))


def error_message(exc: BaseException) -> str:
    """Return the message of an AWS error on one line."""
    waited = waiter_failure(exc)
    if waited is not None:
        return waited
    # If the connection broke, the exception has a response too, but it is None.
    response: dict[str, dict[str, str]] = getattr(exc, "response", None) or {}
    return " ".join(str(response.get("Error", {}).get("Message") or exc).split())
