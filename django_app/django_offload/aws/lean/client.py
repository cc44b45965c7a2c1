"""A client of one service: what its calls share."""

import os
import platform
import time
from collections.abc import Callable
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from ...exceptions import Refusal
from .call import Call
from .credentials import Credentials
from .endpoint import Endpoint
from .pool import Pool
from .retry import Retries
from .service import Request, Result, Service
from .sigv4 import Signer

USER_AGENT = f"django-offload lang/python#{platform.python_version()}"

# What stays as it is in the name of a trace, as botocore has it.
TRACE = "-=;:+&[]{}\"',"


class Client:
    """
    Calls one service, by the names and arguments of boto3's client: `client.put_item(TableName=…)`.

    Safe from any thread. It holds connections, keys and the retry quota.
    """

    def __init__(self, service: Service, endpoint: Endpoint, connect: float, read: float, tries: int) -> None:
        """`connect` and `read` are time-outs in seconds; `tries` bounds what AWS's standard is."""
        self.service, self.address = service, endpoint.address
        self.connect_timeout, self.read_timeout = connect, read
        self.pool = Pool(endpoint.address)
        self.retries = Retries(service.name, tries)
        self.skew = 0.0  # How far AWS's clock is ahead of this machine's, where that matters; in seconds.
        self.meta = SimpleNamespace(endpoint_url=endpoint.address.url, region_name=endpoint.region)
        kinds = {kind.__name__: kind for kind in service.refusals.values()}
        self.exceptions = SimpleNamespace(ClientError=Refusal, **kinds)
        self._signer = Signer(service.name, endpoint.region)
        self._host = endpoint.address.named
        # There, what calls belongs to a trace, by which AWS finds loops too.
        self._in_lambda = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        self._calls = {name: partial(self._call, name) for name in service.operations}

    def __getattr__(self, name: str) -> Callable[..., Result]:
        try:
            return self._calls[name]
        except KeyError:
            known = ", ".join(self.service.operations)
            raise AttributeError(f"{name}() is no call of the lean client, which knows {known}.") from None

    def begin(self, name: str, **arguments: Any) -> Call:
        """Send a call and return it under way; its result() waits for the answer."""
        return Call(self, self.service.request(name, arguments))

    def signed(self, request: Request, credentials: Credentials) -> bytes:
        """Return a request as it travels, signed now."""
        head = self._signer.head(
            request.path,
            self._host,
            request.headers,
            request.body,
            credentials,
            time.time() + self.skew,
        )
        trace = _trace(os.environ.get("_X_AMZN_TRACE_ID")) if self._in_lambda else ""
        rest = f"\r\n{trace}user-agent: {USER_AGENT}\r\ncontent-length: {len(request.body)}\r\n\r\n"
        return (head + rest).encode("ascii") + request.body

    def close(self) -> None:
        """Close the connections that wait."""
        self.pool.close()

    def _call(self, name: str, **arguments: Any) -> Result:
        return self.begin(name, **arguments).result()


@lru_cache(maxsize=4)
def _trace(found: str | None) -> str:
    """Return the header, not signed, that says which trace a request belongs to; empty without one."""
    return f"x-amzn-trace-id: {quote(found, safe=TRACE)}\r\n" if found else ""
