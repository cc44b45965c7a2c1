"""Whatever is sent to a view that enqueues without a form, the answer is 202 or 400."""

import json
from functools import cache

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from django_offload.http.openapi import openapi_document
from tests.openapi.conformance import Conformance

SITE = "tests.unit.http.site_of_pieces"
pytestmark = pytest.mark.urls(SITE)


@cache
def conformance():
    """Return what holds answers against the site's OpenAPI document."""
    return Conformance(openapi_document(SITE))


PATHS = ["/plain/", "/count/", "/anything/", "/patient/"]
ACCEPTS = ["", "*/*", "text/html", "application/json", "text/html;q=x", ";", "text/html;q=nan", "a/b;q=0.1,*"]
CONTENT_TYPES = [
    *(
        "application/json",
        "application/json; charset=utf-16",
        "application/json; charset=hex",
        "text/yaml",
        "",
    ),
    *("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=rot13"),
    *(
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=x; charset=hex",
    ),
    *("multipart/form-data; boundary=", "application/json/x;;", "APPLICATION/JSON"),
]
PART = b'--x\r\nContent-Disposition: form-data; name="number"\r\n\r\n1\r\n--x--\r\n'
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["number", "total", "self", "context", "task", "args", "\ud800", "csrfmiddlewaretoken"]
)
OBJECTS = st.dictionaries(NAMES | st.text(), VALUES, max_size=3).map(lambda value: json.dumps(value).encode())
BODIES = OBJECTS | VALUES.map(lambda value: json.dumps(value).encode()) | st.binary() | st.just(PART)


@settings(
    max_examples=1_000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    path=st.sampled_from(PATHS),
    accept=st.sampled_from(ACCEPTS) | st.text(st.characters(codec="latin-1", exclude_categories=["C"])),
    content_type=st.sampled_from(CONTENT_TYPES),
    body=BODIES,
    htmx=st.booleans(),
)
@example(
    path="/anything/", accept="text/html", content_type="application/json", body=b'{"self": 1}', htmx=False
)
@example(
    path="/plain/", accept="text/html", content_type="application/json", body=b'{"\\ud800": 1}', htmx=False
)
@example(
    path="/plain/",
    accept="",
    content_type="multipart/form-data; boundary=x; charset=hex",
    body=PART,
    htmx=False,
)
@example(path="/anything/", accept="", content_type="application/json", body=b'{"a": 1e999}', htmx=False)
@example(
    path="/anything/", accept="*", content_type="application/json", body=b"[" * 900 + b"]" * 900, htmx=True
)
@example(
    path="/anything/",
    accept="text/html",
    content_type="application/json",
    body=b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    htmx=False,
)
def test_no_request_is_answered_with_an_error_of_the_server(
    ours: object,
    offload: object,
    db: object,
    path: str,
    accept: str,
    content_type: str,
    body: bytes,
    htmx: bool,
) -> None:
    headers = {"Accept": accept, **({"HX-Request": "true"} if htmx else {})}

    answer = Client().generic("POST", path, body, content_type=content_type, headers=headers)

    assert answer.status_code in {202, 400}
    assert conformance().problems("POST", path, answer) == []
    if answer.status_code == 400 and answer.headers["Content-Type"] == "application/json":
        assert answer.json()["errors"]


# With another charset, Django itself raises while it decodes the query, before it looks for a view.
READ_BY_DJANGO = [
    content_type for content_type in CONTENT_TYPES if "hex" not in content_type and "rot" not in content_type
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "post"]
ADDRESSES = ["/tasks/{}/", "/tasks/{}/cancel/", "/tasks/{}/progress/", "/plain/", "/anything/"]
IDS = st.sampled_from(["0" * 32, "f" * 32, "0" * 31, "G" * 32, "%00" * 32, "%ED%A0%80", "x" * 2_000])
QUERIES = st.sampled_from(
    [
        "",
        "?token=",
        "?token=a:b:c",
        "?token=%00",
        "?token=" + "x" * 5_000,
        "?said=%FF",
        "?token=%ED%A0%80&token=1",
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["X-Offload-Token", "If-None-Match", "Sec-Fetch-Mode", "Accept", "Content-Length", "Cookie"]
    ),
    st.sampled_from(["", "*", 'W/"a"', "x:y:z", "\xff", "a" * 5_000, "-1", "navigate", ";=;"]),
    max_size=3,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    method=st.sampled_from(METHODS),
    address=st.sampled_from(ADDRESSES),
    task_id=IDS,
    query=QUERIES,
    headers=HEADERS,
    content_type=st.sampled_from(READ_BY_DJANGO),
    body=BODIES,
)
def test_no_method_and_no_address_is_an_error_of_the_server(
    ours: object,
    offload: object,
    db: object,
    method: str,
    address: str,
    task_id: str,
    query: str,
    headers: dict[str, str],
    content_type: str,
    body: bytes,
) -> None:
    path = address.format(task_id) + query

    answer = Client().generic(method, path, body, content_type=content_type, headers=headers)

    assert answer.status_code < 500
    assert conformance().problems(method, path, answer) == []
