"""Lambda's Invoke and ListFunctionUrlConfigs on this machine. moto answers every other call."""

import http.client
import json
import re
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from ...aws.development import CHALLENGE_PATH, answer
from ...aws.loopback import LOOPBACK
from ..errors import FunctionMissing
from ..loopback import LoopbackServer, RequestHandler
from .async_invocations import AsyncInvocations
from .functions import DeployedFunctions, function_name
from .invoker import Invoker

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
ASYNC_LIMIT = 1024 * 1024
SYNC_LIMIT = 6 * 1024 * 1024
MOTO_TIMEOUT_SECONDS = 30
_INVOKE_PATH = re.compile(r"/*2015-03-31/functions/([^/]*)/invocations/*")
_FUNCTION_URLS_PATH = re.compile(r"/2021-10-31/functions/([^/]+)/urls")
_FUNCTION_URL_KEYS = ("FunctionUrl", "FunctionArn", "AuthType", "CreationTime", "LastModifiedTime")
# Headers that belong to one connection.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class InvokeError(Exception):
    """An error response of Lambda's Invoke, with its HTTP status and error type."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        self.status, self.error_type = status, error_type
        super().__init__(message)


class InvokeApi:
    """The server that AWS_ENDPOINT_URL_LAMBDA names. It serves every call of boto3's Lambda client."""

    def __init__(
        self,
        *,
        functions: DeployedFunctions,
        invoker: Invoker,
        async_invocations: AsyncInvocations,
        moto_port: int,
        access_key: str | None,
        token: str,
    ) -> None:
        self.functions, self.invoker, self.async_invocations = functions, invoker, async_invocations
        self.moto_port = moto_port
        self.token = token
        self._server = LoopbackServer(InvokeApiHandler, self, access_key=access_key)

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{self._server.port}"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def invoke(self, name: str, invocation_type: str, event: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return the response's status, headers and body. Raise InvokeError if Lambda would refuse."""
        if invocation_type not in {"Event", "RequestResponse", "DryRun"}:
            raise InvokeError(
                400, "InvalidParameterValueException", f"Unknown invocation type: {invocation_type}."
            )
        limit = ASYNC_LIMIT if invocation_type == "Event" else SYNC_LIMIT
        if len(event) > limit:
            raise InvokeError(
                413,
                "RequestTooLargeException",
                f"Request must be smaller than {limit} bytes for the {invocation_type} invocation type.",
            )
        try:
            json.loads(event or b"{}")
        except ValueError as exc:
            raise InvokeError(
                400, "InvalidRequestContentException", f"The payload isn't JSON: {exc}."
            ) from exc
        try:
            function = self.functions.get(name)
        except FunctionMissing as exc:
            raise InvokeError(404, "ResourceNotFoundException", str(exc)) from exc
        if invocation_type == "DryRun":
            return 204, {}, b""
        if invocation_type == "Event":
            self.async_invocations.submit(function, event or b"{}")
            return 202, {}, b""
        outcome = self.invoker.invoke(function, event or b"{}")
        headers = {"X-Amz-Executed-Version": "$LATEST"}
        if outcome.failed:
            headers["X-Amz-Function-Error"] = "Unhandled"
        return 200, headers, outcome.payload

    def function_urls(self, name: str) -> bytes:
        """Return the response of ListFunctionUrlConfigs. moto stores at most one URL for a function."""
        client = self.functions.server.client("lambda")
        try:
            config = client.get_function_url_config(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            configs = []
        else:
            configs = [{key: str(config[key]) for key in _FUNCTION_URL_KEYS if key in config}]
        return json.dumps({"FunctionUrlConfigs": configs}).encode()


class InvokeApiHandler(RequestHandler):
    """Lambda's interface over HTTP."""

    def do_POST(self) -> None:
        path = _INVOKE_PATH.fullmatch(urlsplit(self.path).path)
        if path is None:
            return self.forward_to_moto()
        invocation_type = self.headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        api: InvokeApi = self.server.service
        try:
            status, headers, body = api.invoke(unquote(path[1]), invocation_type, self.read_body())
            return self.respond(status, body, {**headers, "x-amzn-RequestId": str(uuid4())})
        except InvokeError as exc:
            body = json.dumps({"Type": "User", "Message": str(exc)}).encode()
            return self.respond(exc.status, body, {"x-amzn-ErrorType": exc.error_type})

    def do_GET(self) -> None:
        if self.path.startswith(CHALLENGE_PATH):
            proof = answer(self.server.service.token, self.path.removeprefix(CHALLENGE_PATH))
            return self.respond(200, proof.encode())
        path = _FUNCTION_URLS_PATH.fullmatch(unquote(urlsplit(self.path).path))
        if path is None:
            return self.forward_to_moto()
        api: InvokeApi = self.server.service
        return self.respond(200, api.function_urls(function_name(path[1])), {})

    def forward_to_moto(self) -> None:
        """Send the request to moto and return its response."""
        body = self.read_body()
        api: InvokeApi = self.server.service
        moto = http.client.HTTPConnection(LOOPBACK, api.moto_port, timeout=MOTO_TIMEOUT_SECONDS)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        try:
            moto.request(self.command, self.path, body=body, headers=headers)
            response = moto.getresponse()
            self.respond(
                response.status,
                response.read(),
                {name: value for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP},
            )
        except OSError as exc:
            message = f"moto's server doesn't answer: {exc}."
            error = json.dumps({"Type": "Service", "Message": message}).encode()
            self.respond(503, error, {"x-amzn-ErrorType": "ServiceException"})
        finally:
            moto.close()

    do_PUT = do_DELETE = do_HEAD = do_PATCH = forward_to_moto
