"""Requests as AWS clients send them, and everything that web pages, proxies and strangers send instead."""

from collections.abc import Callable
from dataclasses import dataclass, replace

PAGE = "https://page.example"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    version: str = "HTTP/1.1"

    def plus(self, *headers: tuple[str, str]) -> "Head":
        return replace(self, headers=self.headers + headers)

    def without(self, name: str) -> "Head":
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() != name.lower()))

    def encoded(self, body: bytes = b"") -> bytes:
        lines = [f"{self.method} {self.target} {self.version}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body


Change = Callable[[Head, int], Head]


def signed(method: str, target: str, *, port: int, access_key: str, service: str = "sqs") -> Head:
    """Return a request as an AWS client signs it."""
    credential = f"{access_key}/20261130/eu-north-1/{service}/aws4_request"
    signature = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature=0"
    return Head(method, target, (("Host", f"127.0.0.1:{port}"), ("Authorization", signature)))


def adding(*headers: tuple[str, str]) -> Change:
    return lambda head, port: head.plus(*headers)


def host(*values: str) -> Change:
    """Return the change to these Host headers, in which PORT is the port's number."""
    return lambda head, port: Head(
        head.method,
        head.target,
        tuple(("Host", value.replace("PORT", str(port))) for value in values) + head.without("Host").headers,
        head.version,
    )


def target(prefix: str) -> Change:
    return lambda head, port: replace(head, target=prefix.replace("PORT", str(port)) + head.target)


def authorization(*values: str) -> Change:
    """Return the change to these Authorization headers, in which OWN is the request's own."""

    def change(head: Head, port: int) -> Head:
        own = dict(head.headers)["Authorization"]
        return head.without("Authorization").plus(
            *(("Authorization", value.replace("OWN", own)) for value in values)
        )

    return change


# Refused on every port.
STRANGE: dict[str, Change] = {
    "the origin of a page": adding(("Origin", PAGE)),
    "an opaque origin": adding(("Origin", "null")),
    "an empty origin": adding(("Origin", "")),
    "the port's own origin": lambda head, port: head.plus(("Origin", f"http://127.0.0.1:{port}")),
    "an origin in lower case": adding(("origin", PAGE)),
    "an origin after all others": adding(*[(f"X-{n}", "1") for n in range(20)], ("ORIGIN", PAGE)),
    "a fetch from another site": adding(("Sec-Fetch-Site", "cross-site")),
    "a fetch from the same site": adding(("sec-fetch-site", "same-origin")),
    "a typed address": adding(("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate")),
    "a picture": adding(("SEC-FETCH-DEST", "image")),
    "a web socket": adding(
        ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "eA==")
    ),
    "a browser's hints": adding(("Sec-CH-UA", '"Chromium"')),
    "a question before a request": lambda head, port: replace(head, method="OPTIONS").plus(
        ("Origin", PAGE), ("Access-Control-Request-Method", "PUT")
    ),
    "a question without an origin": lambda head, port: replace(head, method="OPTIONS"),
    "a rebound name": host("rebound.example:PORT"),
    "a rebound name in front": host("rebound.example:PORT", "127.0.0.1:PORT"),
    "a rebound name behind": host("127.0.0.1:PORT", "rebound.example:PORT"),
    "two hosts in one header": host("127.0.0.1:PORT, rebound.example:PORT"),
    "the same host twice": host("127.0.0.1:PORT", "127.0.0.1:PORT"),
    "no host": host(),
    "no host in HTTP 1.0": lambda head, port: replace(host()(head, port), version="HTTP/1.0"),
    "an empty host": host(""),
    "a host without port": host("127.0.0.1"),
    "a name without port": host("localhost"),
    "another port": host("127.0.0.1:1PORT"),
    "no number as port": host("127.0.0.1:"),
    "a port with a zero in front": host("127.0.0.1:0PORT"),
    "a name with a dot behind": host("localhost.:PORT"),
    "an address with a dot behind": host("127.0.0.1.:PORT"),
    "a user in front": host("user@127.0.0.1:PORT"),
    "this host as a user": host("127.0.0.1:PORT@rebound.example:PORT"),
    "another name of loopback": host("127.0.0.2:PORT"),
    "a short address": host("127.1:PORT"),
    "an address as a number": host("2130706433:PORT"),
    "any address": host("0.0.0.0:PORT"),
    "a mapped address": host("[::ffff:127.0.0.1]:PORT"),
    "IPv6 without brackets": host("::1:PORT"),
    "a name that starts alike": host("localhost.rebound.example:PORT"),
    "a name below localhost": host("bucket.localhost:PORT"),
    "a bucket as host": host("bucket.127.0.0.1:PORT"),
    "AWS as host": host("sqs.eu-north-1.amazonaws.com"),
    "a target at another host": target("http://rebound.example:PORT"),
    "a target at this host": target("http://127.0.0.1:PORT"),
    "a target without a slash": lambda head, port: replace(head, target=head.target.lstrip("/") or "x"),
    "a tunnel": lambda head, port: replace(head, method="CONNECT", target="127.0.0.1:443"),
    "the server itself": lambda head, port: replace(head, method="OPTIONS", target="*"),
    "an unknown method": lambda head, port: replace(head, method="TRACE"),
    "a proxy's host": adding(("X-Forwarded-Host", "rebound.example")),
    "a proxy's host that is this one": lambda head, port: head.plus(
        ("X-Forwarded-Host", f"127.0.0.1:{port}")
    ),
    "a proxy's client": adding(("x-forwarded-for", "192.0.2.1")),
    "a standard proxy": adding(("Forwarded", "for=192.0.2.1")),
}

# Refused on the ports that require an access key.
UNSIGNED: dict[str, Change] = {
    "no signature": authorization(),
    "an empty signature": authorization(""),
    "a key that everybody knows": authorization("AWS4-HMAC-SHA256 Credential=local/x/x/sqs/aws4_request"),
    "an account as key": authorization("AWS4-HMAC-SHA256 Credential=123456789012/x/x/sqs/aws4_request"),
    "a key that starts alike": authorization("AWS4-HMAC-SHA256 Credential=LOCAL/x/x/sqs/aws4_request"),
    "a key of version 2": authorization("AWS LOCAL:c2lnbmF0dXJl"),
    "no key": authorization("AWS4-HMAC-SHA256 Credential=/x/x/sqs/aws4_request"),
    "a password": authorization("Basic bG9jYWw6bG9jYWw="),
    "two signatures": authorization("OWN", "OWN"),
    "two signatures in one header": authorization("AWS4-HMAC-SHA256 Credential=local/x, OWN"),
    "a presigned URL with another key": lambda head, port: replace(
        head.without("Authorization"),
        target=f"{head.target}?X-Amz-Credential=local%2Fx%2Fx%2Fs3%2Faws4_request",
    ),
    "a presigned URL without a key": lambda head, port: replace(
        head.without("Authorization"), target=f"{head.target}?AWSAccessKeyId="
    ),
}
