"""Lambda's Invoke on this machine, and what moto lacks of function URLs; moto answers every other call."""

import http.client
import json
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from ...aws.loopback import LOOPBACK
from ..errors import FunctionMissing
from ..loopback import Door, LoopbackServer
from .async_invocations import AsyncInvocations
from .function_urls import listed_function, listing
from .functions import Functions, name_of
from .invoker import Invoker

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ASYNC_LIMIT = 1024 * 1024
SYNC_LIMIT = 6 * 1024 * 1024
_PASS_ON_SECONDS = 30
# Headers that belong to one connection.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Refused(Exception):
    """Lambda's own error answer: status, type, and message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        self.status, self.kind = status, kind
        super().__init__(message)


class InvokeApi:
    """What AWS_ENDPOINT_URL_LAMBDA names: one address for all of boto3's Lambda client."""

    def __init__(
        self, *, functions: Functions, invoker: Invoker, asynchronous: AsyncInvocations, moto_port: int
    ) -> None:
        self.functions, self.invoker, self.asynchronous = functions, invoker, asynchronous
        self.moto_port = moto_port
        self._server = LoopbackServer(_Door, self)

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self._server.port}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def invoke(self, name: str, kind: str, event: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of an invocation. Raise Refused where Lambda would refuse it."""
        self._check(kind, event)
        try:
            function = self.functions.find(name)
        except FunctionMissing as exc:
            raise Refused(404, "ResourceNotFoundException", str(exc)) from exc
        if kind == "DryRun":
            return 204, {}, b""
        if kind == "Event":
            self.asynchronous.submit(function, event or b"{}")
            return 202, {}, b""
        outcome = self.invoker.invoke(function, event or b"{}")
        headers = {"X-Amz-Executed-Version": "$LATEST"}
        if outcome.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        return 200, headers, outcome.payload

    def _check(self, kind: str, event: bytes) -> None:
        if kind not in {"Event", "RequestResponse", "DryRun"}:
            raise Refused(400, "InvalidParameterValueException", f"Unknown invocation type: {kind}.")
        limit = ASYNC_LIMIT if kind == "Event" else SYNC_LIMIT
        if len(event) > limit:
            raise Refused(
                413,
                "RequestTooLargeException",
                f"Request must be smaller than {limit} bytes for the {kind} invocation type.",
            )
        try:
            json.loads(event or b"{}")
        except ValueError as exc:
            raise Refused(400, "InvalidRequestContentException", f"The payload is not JSON: {exc}.") from exc


class _Door(Door):
    """Lambda over HTTP."""

    def do_POST(self) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        body = self.read()
        if (
            len(parts) != 4
            or parts[0] != "2015-03-31"
            or parts[1] != "functions"
            or parts[3] != "invocations"
        ):
            return self._pass_on(body)
        kind = self.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        api: InvokeApi = self.server.owner
        try:
            status, headers, said = api.invoke(unquote(parts[2]), kind, body)
            return self.answer(status, said, {**headers, "x-amzn-RequestId": str(uuid4())})
        except Refused as exc:
            said = json.dumps({"Type": "User", "Message": str(exc)}).encode()
            return self.answer(exc.status, said, {"x-amzn-ErrorType": exc.kind})

    def _other(self) -> None:
        self._pass_on(self.read())

    def do_GET(self) -> None:
        asked = listed_function(unquote(urlsplit(self.path).path))
        if asked is None:
            return self._other()
        api: InvokeApi = self.server.owner
        return self.answer(200, listing(api.functions.server, name_of(asked)), {})

    do_PUT = do_DELETE = do_HEAD = do_PATCH = _other

    def _pass_on(self, body: bytes) -> None:
        """Let moto answer."""
        api: InvokeApi = self.server.owner
        moto = http.client.HTTPConnection(LOOPBACK, api.moto_port, timeout=_PASS_ON_SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        try:
            moto.request(self.command, self.path, body=body, headers=headers)
            answer = moto.getresponse()
            said = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            self.answer(answer.status, answer.read(), said)
        except OSError as exc:
            problem = json.dumps(
                {"Type": "Service", "Message": f"moto's server does not answer: {exc}."}
            ).encode()
            self.answer(503, problem, {"x-amzn-ErrorType": "ServiceException"})
        finally:
            moto.close()
