"""Requests, as API Gateway and function URLs send them to a function."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import parse_qsl

HOST = "site.example"
AGENT = "tests/1"
_TIME = "22/Nov/2026:12:00:00 +0000"


def rest(path: str) -> dict[str, object]:
    """Return API Gateway's event of version 1, the proxy integration's."""
    headers = {"Host": HOST, "X-Forwarded-Proto": "https", "User-Agent": AGENT}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.strip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": "GET",
            "path": path,
            "stage": "dev",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "apiId": "1234567890",
            "accountId": "123456789012",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": AGENT},
        },
        "body": None,
        "isBase64Encoded": False,
    }


def http(
    path: str,
    *,
    method: str = "GET",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    cookies: Mapping[str, str] | None = None,
    body: bytes | None = None,
    url: bool = False,
) -> dict[str, object]:
    """Return API Gateway's event of version 2, or with `url` that of a function URL: one form."""
    route = f"{method} /{{proxy+}}"
    return {
        "version": "2.0",
        "routeKey": "$default" if url else route,
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": dict(parse_qsl(query)),
        "cookies": [f"{name}={value}" for name, value in (cookies or {}).items()],
        "headers": {"host": HOST, "x-forwarded-proto": "https", "user-agent": AGENT, **(headers or {})},
        "requestContext": {
            "accountId": "anonymous" if url else "123456789012",
            "apiId": "1234567890",
            "domainName": "1234567890.lambda-url.us-east-1.on.aws" if url else HOST,
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": AGENT,
            },
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "routeKey": "$default" if url else route,
            "stage": "$default",
            "time": _TIME,
            "timeEpoch": 1795348800000,
        },
        "body": None if body is None else b64encode(body).decode(),
        "isBase64Encoded": body is not None,
    }
