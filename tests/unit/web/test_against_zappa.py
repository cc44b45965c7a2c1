"""Requests and responses of any kind, held to what Zappa's handler makes of them."""

import json
from base64 import b64decode, b64encode
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_offload.web.handler import Handler
from django_offload.web.requests import Site

from .events import CLIENT, function_url, http_api_2, rest_api
from .site import answering, seen_by

SITE = Site(stage="dev")
# What both set for the application. REMOTE_ADDR, the server's port and the content's length without a body
# differ on purpose: Zappa believes the client.
COMPARED = ("REQUEST_METHOD", "PATH_INFO", "SCRIPT_NAME", "QUERY_STRING", "CONTENT_TYPE", "HTTPS")

methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
paths = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=4).map(
    lambda parts: "/" + "/".join(quote(part, safe="") for part in parts)
)
queries = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=3), st.text(st.characters(codec="utf-8"), max_size=6)),
    max_size=4,
)
names = st.from_regex(r"x-[a-z]{1,6}(-[a-z]{1,4})?", fullmatch=True)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
headers = st.dictionaries(names, values, max_size=4)
bodies = st.one_of(st.just(b""), st.binary(max_size=40), st.text("pie", max_size=9).map(str.encode))
cookies = st.lists(st.from_regex(r"[a-c]=[0-9]{1,3}", fullmatch=True), max_size=3)
kinds = st.sampled_from(["rest", "http", "stage", "url"])


@pytest.fixture(scope="module")
def zappa() -> Any:
    """Zappa's handler as it is after its start, but without an application."""
    from zappa.handler import LambdaHandler
    from zappa.utilities import DEFAULT_TEXT_MIMETYPES

    module = ModuleType("zappa_settings")
    module.DEBUG, module.BINARY_SUPPORT, module.API_STAGE = False, True, "dev"  # type: ignore[attr-defined]
    module.CONTEXT_HEADER_MAPPINGS = {}  # type: ignore[attr-defined]
    module.DOMAIN = module.BASE_PATH = module.EXCEPTION_HANDLER = None  # type: ignore[attr-defined]
    handler = object.__new__(LambdaHandler)
    handler.settings, handler.trailing_slash, handler.app_type = module, True, "wsgi"
    handler._text_mimetypes = DEFAULT_TEXT_MIMETYPES
    return handler


def event_of(
    kind: str,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    sent: dict[str, str],
    body: bytes,
    jar: list[str],
) -> dict[str, Any]:
    """Return the event of a request, as each kind of API would send it."""
    encoded = {"body": b64encode(body).decode() if body else None, "isBase64Encoded": bool(body)}
    content = {"content-type": "application/octet-stream"} if body else {}
    if kind == "rest":
        grouped: dict[str, list[str]] = {}
        for name, value in query:
            grouped.setdefault(name, []).append(value)
        event = rest_api(
            path=path, httpMethod=method, multiValueQueryStringParameters=grouped or None, **encoded
        )
        event["queryStringParameters"] = {name: every[-1] for name, every in grouped.items()} or None
        kept = {name: event["headers"][name] for name in ("Host", "X-Forwarded-For", "X-Forwarded-Proto")}
        event["headers"] = {**kept, **content, **sent, **({"Cookie": "; ".join(jar)} if jar else {})}
        event["multiValueHeaders"] = {name: [value] for name, value in event["headers"].items()}
        return event
    make = function_url if kind == "url" else http_api_2
    stage = {"stage": "dev"} if kind == "stage" else {}
    event = make(**stage, rawQueryString=urlencode(query), cookies=jar or None, **encoded)  # type: ignore[operator]
    event["rawPath"] = ("/dev" if kind == "stage" else "") + path
    event["requestContext"]["http"]["method"] = method
    kept = {name: event["headers"][name] for name in ("host", "x-forwarded-for", "x-forwarded-proto")}
    event["headers"] = {**kept, **content, **sent}
    return event


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds, methods, paths, queries, headers, bodies, cookies)
def test_the_application_sees_what_it_sees_with_zappa(
    zappa: Any, kind: str, method: str, path: str, query: Any, sent: Any, body: bytes, jar: Any
) -> None:
    event = event_of(kind, method, path, query, sent, body, jar)
    theirs: list[tuple[dict[str, Any], bytes]] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        theirs.append((environ, environ["wsgi.input"].read()))
        start_response("204 No Content", [])
        return []

    zappa.wsgi_app = application
    zappa.handler(json.loads(json.dumps(event)), None)
    ours = seen_by(event, SITE)

    ((environ, received),) = theirs
    # Zappa sets the type and decodes the content only where a method usually has some.
    sends = method in {"POST", "PUT", "PATCH", "DELETE"}
    compared = [name for name in COMPARED if sends or name != "CONTENT_TYPE"]
    assert {name: ours.environ.get(name, "") for name in compared} == {
        name: environ.get(name, "") for name in compared
    }
    mine, its = http_headers(ours.environ), http_headers(environ)
    assert mine == its
    assert ours.environ["wsgi.url_scheme"] == environ["wsgi.url_scheme"] == "https"
    assert ours.environ["REMOTE_ADDR"] == CLIENT
    assert ours.body == (received if sends else body)


def http_headers(environ: dict[str, Any]) -> dict[str, str]:
    """Return the headers in an environ, which Zappa repeats for the content."""
    return {
        name: value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name not in {"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"}
    }


statuses = st.sampled_from(
    ["200 OK", "201 Created", "302 Found", "404 Not Found", "500 Internal Server Error"]
)
types = st.sampled_from(
    [
        "text/html; charset=utf-8",
        "text/css",
        "application/json",
        "application/javascript",
        "image/png",
        "font/woff2",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds, statuses, types, headers, st.text("pie ä🥧", max_size=20), cookies)
def test_the_client_gets_what_it_gets_from_zappa(
    zappa: Any, kind: str, status: str, type_: str, sent: dict[str, str], text: str, jar: list[str]
) -> None:
    event = event_of(kind, "GET", "/", [], {}, b"", [])
    unique = {cookie.partition("=")[0]: cookie for cookie in jar}
    response = [
        ("Content-Type", type_),
        *sent.items(),
        *(("Set-Cookie", cookie) for cookie in unique.values()),
    ]
    application = answering(status, response, text.encode())

    zappa.wsgi_app = application
    theirs = received(zappa.handler(json.loads(json.dumps(event)), None))
    ours = received(dict(Handler(application, SITE)(event, None)))

    assert ours == theirs


def received(response: dict[str, Any]) -> tuple[int, dict[str, list[str]], bytes]:
    """Return what a client receives, as API Gateway puts a function's response together."""
    merged: dict[str, list[str]] = {}
    for name, every in (response.get("multiValueHeaders") or {}).items():
        merged.setdefault(name.lower(), []).extend(
            value for value in every if value not in merged.get(name.lower(), [])
        )
    for name, value in (response.get("headers") or {}).items():
        if value not in merged.setdefault(name.lower(), []):
            merged[name.lower()].append(value)
    merged.setdefault("set-cookie", []).extend(response.get("cookies") or [])
    body = response.get("body") or ""
    return (
        response["statusCode"],
        {name: sorted(every) for name, every in merged.items() if every},
        b64decode(body) if response.get("isBase64Encoded") else body.encode(),
    )


def test_the_query_of_a_rest_api_keeps_its_order_and_its_repeats() -> None:
    event = rest_api(multiValueQueryStringParameters={"b": ["2", "1"], "a": ["ä &"]})

    assert parse_qsl(seen_by(event).environ["QUERY_STRING"]) == [("b", "2"), ("b", "1"), ("a", "ä &")]
