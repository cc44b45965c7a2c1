"""Lambda's Invoke, as its client calls it."""

import http.client
import json
from collections.abc import Iterator

import pytest

from django_offload.local.guard import authorization, new_access_key
from django_offload.local.lambda_.async_invocations import AsyncInvocations
from django_offload.local.lambda_.invoke_api import ASYNC_LIMIT, InvokeApi
from django_offload.local.lambda_.invoker import Outcome, failed_outcome
from django_offload.local.loopback import LoopbackServer, RequestHandler

from .fakes import FakeFunctions, FakeInvoker, function

KEY = new_access_key()
PATH = "/2015-03-31/functions/{}/invocations"
Answer = tuple[int, dict[str, str], bytes]


class Moto(RequestHandler):
    """Returns the request that it received."""

    def do_POST(self) -> None:
        body = self.read_body().decode()
        self.respond(200, json.dumps([self.command, self.path, body]).encode(), {"X-Moto": "yes"})

    do_GET = do_DELETE = do_PUT = do_POST


class Lambda:
    """An InvokeApi with moto and an invoker."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.moto = LoopbackServer(Moto, None)
        self.moto.start()
        self.invoker = FakeInvoker(*outcomes)
        self.async_invocations = AsyncInvocations(self.invoker)
        self.api = InvokeApi(
            functions=FakeFunctions(function()),
            invoker=self.invoker,
            async_invocations=self.async_invocations,
            moto_port=self.moto.port,
            access_key=KEY,
            token="token-of-this-start",
        )
        self.api.start()

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.api.endpoint.removeprefix("http://"), timeout=5)
        try:
            connection.request(
                method,
                path,
                body,
                {"Authorization": authorization(KEY)} | {k.replace("_", "-"): v for k, v in headers.items()},
            )
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def invoke(self, name: str, body: bytes, kind: str | None = None) -> Answer:
        headers = {} if kind is None else {"X_Amz_Invocation_Type": kind}
        return self.ask("POST", PATH.format(name), body, **headers)

    def close(self) -> None:
        self.api.stop()
        self.moto.stop()


@pytest.fixture
def aws() -> Iterator[Lambda]:
    aws = Lambda(Outcome(payload=b'{"done": 1}'))
    yield aws
    aws.close()


def test_a_synchronous_invocation_answers_with_the_payload(aws: Lambda) -> None:
    status, headers, body = aws.invoke(function().name, b'{"n": 1}')

    assert (status, body) == (200, b'{"done": 1}')
    assert headers["X-Amz-Executed-Version"] == "$LATEST"
    assert "X-Amz-Function-Error" not in headers
    assert aws.invoker.events == [b'{"n": 1}']


def test_an_error_of_the_function_is_an_answer_too() -> None:
    aws = Lambda(failed_outcome("ValueError", "no"))

    status, headers, body = aws.invoke(function().name, b"{}")
    aws.close()

    assert (status, headers["X-Amz-Function-Error"]) == (200, "Unhandled")
    assert json.loads(body) == {"errorType": "ValueError", "errorMessage": "no"}


def test_an_asynchronous_invocation_is_accepted_and_runs_later(aws: Lambda) -> None:
    status, _, body = aws.invoke(function().name, b'{"n": 1}', "Event")

    assert (status, body, aws.invoker.events) == (202, b"", [])
    assert aws.async_invocations.run_pending() == 1
    assert aws.invoker.events == [b'{"n": 1}']


@pytest.mark.parametrize(
    "name", [function().arn, f"{function().arn}:$LATEST", "123456789012:function:" + function().name]
)
def test_a_function_is_known_by_its_arn(aws: Lambda, name: str) -> None:
    quoted = name.replace(":", "%3A").replace("$", "%24")

    assert aws.invoke(quoted, b"{}")[0] == 200


def test_a_dry_run_runs_nothing(aws: Lambda) -> None:
    assert aws.invoke(function().name, b"{}", "DryRun")[0] == 204
    assert aws.invoker.events == []


@pytest.mark.parametrize("kind", ["Event", "RequestResponse", "DryRun"])
def test_an_unknown_function_is_not_found(aws: Lambda, kind: str) -> None:
    status, headers, body = aws.invoke("nobody", b"{}", kind)

    assert (status, headers["x-amzn-ErrorType"]) == (404, "ResourceNotFoundException")
    assert json.loads(body)["Message"].startswith("Function not found: nobody.")


def test_an_asynchronous_payload_over_the_limit_is_refused(aws: Lambda) -> None:
    payload = json.dumps("x" * (ASYNC_LIMIT - 2)).encode()

    assert aws.invoke(function().name, payload, "Event")[0] == 202
    status, headers, _ = aws.invoke(function().name, payload + b" ", "Event")

    assert (status, headers["x-amzn-ErrorType"]) == (413, "RequestTooLargeException")
    assert aws.invoke(function().name, payload + b" ")[0] == 200


@pytest.mark.parametrize(
    ("body", "kind", "error"),
    [(b"{", None, "InvalidRequestContentException"), (b"{}", "Soon", "InvalidParameterValueException")],
)
def test_a_bad_request_is_refused(aws: Lambda, body: bytes, kind: str | None, error: str) -> None:
    status, headers, _ = aws.invoke(function().name, body, kind)

    assert (status, headers["x-amzn-ErrorType"]) == (400, error)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/2015-03-31/functions/"),
        ("POST", "/2015-03-31/event-source-mappings/?Marker=1"),
        ("DELETE", "/2015-03-31/functions/x"),
    ],
)
def test_every_other_call_goes_to_moto(aws: Lambda, method: str, path: str) -> None:
    status, headers, body = aws.ask(method, path, b"{}")

    assert (status, headers["X-Moto"]) == (200, "yes")
    assert json.loads(body) == [method, path, "{}"]


def test_a_moto_that_is_gone_is_a_service_error(aws: Lambda) -> None:
    aws.moto.stop()

    status, headers, _ = aws.ask("GET", "/2015-03-31/functions/")

    assert (status, headers["x-amzn-ErrorType"]) == (503, "ServiceException")
