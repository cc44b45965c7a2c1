"""Every request of the lean client equals botocore's in everything that AWS looks at."""

from http.client import HTTPMessage, parse_headers
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_offload.aws.lean import SERVICES, Client
from django_offload.aws.lean.connection import Address
from django_offload.aws.lean.credentials import Credentials
from django_offload.aws.lean.endpoint import Endpoint, endpoint_of
from tests.unit.aws.botocores import ENVIRONMENT, answered, botocores
from tests.unit.aws.generated import CALLS, TOKEN, TRACED

# Headers about botocore itself and about the tries, which are not signed.
OF_BOTOCORE = {"user-agent", "amz-sdk-invocation-id", "amz-sdk-request"}


def lean(service, region="eu-west-1"):
    url = f"https://{service}.{region}.amazonaws.com"
    address = Address(url=url, host=url.removeprefix("https://"), port=443, tls=True)
    return Client(SERVICES[service](), Endpoint(address=address, region=region), 1, 1, 1)


def parsed(data):
    """Return method, path, headers (names in lower case) and body of a request."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    message: HTTPMessage = parse_headers(BytesIO(fields + b"\r\n\r\n"))
    method, path, version = line.decode().split(" ")
    assert version == "HTTP/1.1"
    return method, path, {name.lower(): value for name, value in message.items()}, body


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(("service", "operation"), CALLS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_request_is_the_one_that_botocore_sends(monkeypatch, service, operation, data):
    arguments = data.draw(CALLS[service, operation])
    token = data.draw(TOKEN)
    now = data.draw(st.integers(0, 2**32))
    for name, value in zip(("AWS_LAMBDA_FUNCTION_NAME", "_X_AMZN_TRACE_ID"), data.draw(TRACED), strict=True):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    client = lean(service)
    monkeypatch.setattr("django_offload.aws.lean.client.time.time", lambda: now + 0.999)
    who = Credentials(ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"], token or None)

    method, path, headers, body = parsed(client.signed(client.service.request(operation, arguments), who))

    theirs, _ = answered(botocores(service, token=token), operation, arguments, now=now)
    assert f"{method} https://{headers['host']}{path}" == f"{theirs.method} {theirs.url}"
    assert body == (theirs.body or b"")
    expected = {name.lower(): text(value) for name, value in theirs.headers.items()}
    assert {name: value for name, value in headers.items() if name not in {"host", *OF_BOTOCORE}} == {
        name: value for name, value in expected.items() if name not in OF_BOTOCORE
    }
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


def test_the_signing_key_is_derived_once_a_day(monkeypatch):
    client, request = lean("sqs"), {"QueueName": "shop-dev-default"}
    derived = []
    derive = client._signer.day_key
    monkeypatch.setattr(
        client._signer, "day_key", lambda *given: derived.append(derive(*given)) or derived[-1]
    )
    for secret, now in (("a", 0.0), ("a", 86_399.0), ("a", 86_400.0), ("b", 86_400.0), ("a", 0.0)):
        monkeypatch.setattr("django_offload.aws.lean.client.time.time", lambda now=now: now)
        client.signed(
            client.service.request("get_queue_url", request), Credentials("AKIDEXAMPLE", secret, None)
        )

    assert derived[0] is derived[1]
    signatures = [key.hexdigest() for key in derived]
    assert signatures[0] == signatures[4]
    assert len(set(signatures)) == 3


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "region", ["us-east-1", "eu-central-1", "mx-central-1", "cn-north-1", "us-gov-west-1"]
)
def test_an_endpoint_is_the_one_that_botocore_calls(monkeypatch, service, region):
    for name, value in {**ENVIRONMENT, "AWS_DEFAULT_REGION": region, "AWS_CONFIG_FILE": "/nowhere"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    endpoint = endpoint_of(service)

    theirs = botocores(service, region=region)
    assert (endpoint.address.url, endpoint.region) == (theirs.meta.endpoint_url, region)


def test_unknown_calls_and_arguments_are_refused_before_the_call():
    with pytest.raises(TypeError, match="LogType"):
        lean("lambda").begin("invoke", FunctionName="shop", LogType="Tail")
    with pytest.raises(AttributeError, match="delete_item"):
        lean("dynamodb").delete_item(TableName="shop", Key={})
