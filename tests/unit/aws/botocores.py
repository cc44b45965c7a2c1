"""What botocore does with the same input: the request that it sends, and its result or error."""

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_DEFAULT_REGION": "eu-west-1",
}
_clients: dict[tuple[str, str], Any] = {}


def botocores(service: str, *, region: str = "eu-west-1", token: str = "") -> Any:
    """Return botocore's client of a service, with the credentials of the tests; it is created once."""
    if (service, region) not in _clients:
        session = boto3.session.Session(
            ENVIRONMENT["AWS_ACCESS_KEY_ID"], ENVIRONMENT["AWS_SECRET_ACCESS_KEY"], None, region
        )
        config = Config(retries={"mode": "standard", "total_max_attempts": 1}, proxies={})
        _clients[service, region] = session.client(service, config=config)
    client = _clients[service, region]
    client._request_signer._credentials.token = token or None
    return client


class _Raw(io.BytesIO):
    def stream(self, *args: object, **kwargs: object) -> Any:
        yield self.read()


def answered(
    client: Any,
    operation: str,
    arguments: Mapping[str, Any],
    *,
    now: float = 0.0,
    answer: tuple[int, Mapping[str, str], bytes] = (200, {}, b"{}"),
) -> tuple[AWSPreparedRequest, Any]:
    """Make botocore send a call at a given time and read a response; return its request and the outcome."""
    sent: list[AWSPreparedRequest] = []

    def send(request: AWSPreparedRequest, **kwargs: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, answer[0], dict(answer[1]), _Raw(answer[2]))

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"before-send.{service}", send, unique_id="answered")
    try:
        with patch("botocore.auth.get_current_datetime", lambda: datetime.fromtimestamp(now, UTC)):
            outcome = getattr(client, operation)(**arguments)
    except ClientError as exc:
        outcome = exc
    finally:
        client.meta.events.unregister(f"before-send.{service}", unique_id="answered")
    return sent[0], outcome
