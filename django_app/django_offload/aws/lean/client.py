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
from .services import Request, Result, Service
from .sigv4 import Signer

USER_AGENT = f"django-offload lang/python#{platform.python_version()}"
# The characters of a trace id that botocore does not encode.
TRACE_CHARACTERS = "-=;:+&[]{}\"',"


class Client:
    """
    Calls one service with the method names and arguments of boto3: `client.put_item(TableName=…)`.

    All threads can use it. It holds connections, signing keys and the retry quota.
    """

    def __init__(self, service: Service, endpoint: Endpoint, connect: float, read: float, tries: int) -> None:
        """`connect` and `read` are time-outs in seconds; `tries` can only lower AWS's own limit."""
        self.service, self.address = service, endpoint.address
        self.connect_timeout, self.read_timeout = connect, read
        self.pool = Pool(endpoint.address)
        self.retries = Retries(service.name, tries)
        self.clock_skew = 0.0  # Seconds by which AWS's clock is ahead of this machine's, if AWS minds.
        self.meta = SimpleNamespace(endpoint_url=endpoint.address.url, region_name=endpoint.region)
        kinds = {kind.__name__: kind for kind in service.refusals.values()}
        self.exceptions = SimpleNamespace(ClientError=Refusal, **kinds)
        self._signer = Signer(service.name, endpoint.region)
        self._host = endpoint.address.host_header
        # In Lambda, calls belong to a trace, by which AWS also detects loops.
        self._in_lambda = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
        self._methods = {name: partial(self.call, name) for name in service.operations}

    def __getattr__(self, name: str) -> Callable[..., Result]:
        try:
            return self._methods[name]
        except KeyError:
            names = ", ".join(self.service.operations)
            raise AttributeError(f"The lean client has no call {name}(). It has {names}.") from None

    def call(self, name: str, **arguments: Any) -> Result:
        return self.begin(name, **arguments).result()

    def begin(self, name: str, **arguments: Any) -> Call:
        """Send a call and return it; its result() waits for the response."""
        return Call(self, self.service.request(name, arguments))

    def signed(self, request: Request, credentials: Credentials) -> bytes:
        """Return a request as bytes, signed with the time of now."""
        head = self._signer.signed_head(
            request.path,
            self._host,
            request.headers,
            request.body,
            credentials,
            time.time() + self.clock_skew,
        )
        trace = trace_header(os.environ.get("_X_AMZN_TRACE_ID")) if self._in_lambda else ""
        rest = f"\r\n{trace}user-agent: {USER_AGENT}\r\ncontent-length: {len(request.body)}\r\n\r\n"
        return (head + rest).encode("ascii") + request.body

    def close(self) -> None:
        """Close the idle connections."""
        self.pool.close()


@lru_cache(maxsize=4)
def trace_header(trace_id: str | None) -> str:
    """Return the unsigned header with the trace of this invocation, or an empty text if there is none."""
    return f"x-amzn-trace-id: {quote(trace_id, safe=TRACE_CHARACTERS)}\r\n" if trace_id else ""
