"""The rule that decides which requests the local ports serve."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.local.guard import (
    Refusal,
    authorization,
    error_response,
    new_access_key,
    refusal,
    sent_access_key,
)

from .strangers import STRANGE, UNSIGNED, Change, Head, host, signed

PORT = 4566
KEY = new_access_key()


def request(target: str = "/") -> Head:
    return signed("POST", target, port=PORT, access_key=KEY)


def judged(head: Head, port: int = PORT, access_key: str | None = KEY) -> Refusal | None:
    return refusal(head.method, head.target, head.headers, port=port, access_key=access_key)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_a_signed_request_is_served(method: str, version: str) -> None:
    assert judged(replace(request("/a?b=c"), method=method, version=version)) is None


@pytest.mark.parametrize("name", ["127.0.0.1:PORT", "localhost:PORT", "LocalHost:PORT", "[::1]:PORT"])
def test_every_name_of_loopback_is_served(name: str) -> None:
    assert judged(host(name)(request(), PORT)) is None


def test_clients_leave_out_the_port_of_http() -> None:
    head = host("127.0.0.1")(request(), PORT)

    assert judged(head, port=80) is None
    assert judged(head, port=8080) is not None


@pytest.mark.parametrize("change", STRANGE.values(), ids=STRANGE.keys())
@pytest.mark.parametrize("access_key", [KEY, None], ids=["with a key", "without a key"])
def test_a_strange_request_is_refused(change: Change, access_key: str | None) -> None:
    refused = judged(change(request("/moto-api/reset"), PORT), access_key=access_key)

    assert refused is not None
    assert refused.code == "AccessDenied"
    assert refused.message.startswith("This port serves ")


@pytest.mark.parametrize("change", UNSIGNED.values(), ids=UNSIGNED.keys())
def test_without_the_key_of_this_start_a_request_is_refused(change: Change) -> None:
    head = change(request("/moto-api/reset"), PORT)

    refused = judged(head)

    assert refused is not None
    assert refused.code == "InvalidClientTokenId"
    assert refused.message.endswith("again (. .offload/env).")
    assert KEY not in refused.message
    assert judged(head, access_key=None) is None


@pytest.mark.parametrize(
    "query",
    [
        f"X-Amz-Credential={KEY}%2F20261130%2Feu-north-1%2Fs3%2Faws4_request",
        f"AWSAccessKeyId={KEY}&Signature=x",
    ],
)
def test_a_presigned_url_is_served(query: str) -> None:
    head = request(f"/bucket/key?Expires=1&{query}").without("Authorization")

    assert judged(head) is None
    assert judged(replace(head, target=f"{head.target}&AWSAccessKeyId={KEY}x")) is not None


def test_a_request_that_no_client_signs_carries_the_key_too() -> None:
    head = Head(
        "POST", "/moto-api/reset", (("Host", f"127.0.0.1:{PORT}"), ("Authorization", authorization(KEY)))
    )

    assert judged(head) is None


def test_keys_differ_and_are_no_account() -> None:
    keys = {new_access_key() for _ in range(100)}

    assert len(keys) == 100
    assert all(key.isalnum() and len(key) == 37 for key in keys)


headers = st.tuples(
    st.sampled_from(
        ["Host", "host", "Origin", "Sec-Fetch-Mode", "Forwarded", "Authorization", "Accept", "X"]
    ),
    st.sampled_from([f"127.0.0.1:{PORT}", "rebound.example", authorization(KEY), "null", ""]) | st.text(),
)


@given(st.text(), st.text(), st.lists(headers))
def test_only_one_kind_of_request_is_served(method: str, target: str, pairs: list[tuple[str, str]]) -> None:
    """Whatever arrives, the rule answers, and what it serves has one right host and nothing of a browser."""
    refused = refusal(method, target, pairs, port=PORT, access_key=KEY)

    if refused is not None:
        assert error_response(refused, target, pairs)[1]
        return
    names = [name.lower() for name, _ in pairs]
    assert not {"origin", "sec-fetch-mode", "forwarded"} & set(names)
    assert [value for name, value in pairs if name.lower() == "host"] == [f"127.0.0.1:{PORT}"]
    assert target.startswith("/")
    assert sent_access_key(target, pairs) == KEY.encode()


@given(st.lists(headers), st.sampled_from([("Origin", "null"), ("sec-fetch-site", "none"), ("SEC-x", "")]))
def test_a_header_of_browsers_is_found_at_every_place(
    pairs: list[tuple[str, str]], header: tuple[str, str]
) -> None:
    for place in range(len(pairs) + 1):
        assert refusal("GET", "/", [*pairs[:place], header, *pairs[place:]], port=PORT) is not None


REFUSED = Refusal(code="AccessDenied", message="No <pages> & no proxies.")


@pytest.mark.parametrize(
    ("target", "pairs"),
    [
        ("/", [("X-Amz-Target", "AmazonSQS.SendMessage")]),
        ("/", [("content-type", "application/x-amz-json-1.0")]),
        ("/2015-03-31/functions/x/invocations", []),
        ("/2018-06-01/runtime/invocation/next", []),
    ],
)
def test_json_clients_get_json(target: str, pairs: list[tuple[str, str]]) -> None:
    extra, body = error_response(REFUSED, target, pairs)

    assert (extra["Content-Type"], extra["x-amzn-ErrorType"]) == ("application/json", "AccessDenied")
    assert json.loads(body)["message"] == REFUSED.message


@pytest.mark.parametrize(
    ("service", "outermost"), [("s3", "<Error><Code>"), ("cloudformation", "<ErrorResponse><Error>")]
)
def test_other_clients_get_xml(service: str, outermost: str) -> None:
    head = signed("GET", "/", port=PORT, access_key=KEY, service=service)

    extra, body = error_response(REFUSED, "/", head.headers)

    text = body.decode()
    assert extra == {"Content-Type": "application/xml"}
    assert text.partition("?>\n")[2].startswith(outermost)
    assert "<Code>AccessDenied</Code><Message>No &lt;pages&gt; &amp; no proxies.</Message>" in text


@pytest.mark.parametrize("target", ["/bucket/orders.json", "/2026-11-30/orders.json"])
def test_a_client_of_s3_gets_xml_for_a_json_object_too(target: str) -> None:
    head = signed("PUT", target, port=PORT, access_key=KEY, service="s3").plus(
        ("Content-Type", "application/json")
    )

    assert error_response(REFUSED, target, head.headers)[0] == {"Content-Type": "application/xml"}
