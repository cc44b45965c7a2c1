"""
The rule for every port that this package opens: which requests are refused before anything is read or done.

A browser sends requests to 127.0.0.1 for any page that it shows. A page's host name can also be pointed at
127.0.0.1, so that the page and the port seem to be one site. Such requests have a header that only browsers
send, or a Host header with another name. Other accounts of this machine can leave both out, but they can't
know the access key, which is new for each start and is only in files and processes of this account.
"""

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from ..aws.loopback import LOOPBACK, LOOPBACK_HOSTS

Headers = Sequence[tuple[str, str]]

# What AWS clients and AWS's runtime client send. OPTIONS is a browser's question before a request.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
# Pages can't set names that start with "Sec-", so browsers sent them: Sec-Fetch-Site, Sec-WebSocket-Key, …
# https://fetch.spec.whatwg.org/#forbidden-request-header
BROWSER_HEADERS = re.compile(r"origin|sec-.*", re.IGNORECASE)
# Proxies add these when they pass on the request of somebody else.
PROXY_HEADERS = re.compile(r"forwarded|x-forwarded-.*", re.IGNORECASE)
HTTP_PORT = 80  # Clients leave it out of the Host header.
# Signatures of version 4 and, for S3, of version 2.
_ACCESS_KEY = re.compile(r"AWS4-[A-Z0-9-]+ +Credential=([^/,\s]+)/|AWS ([^:\s]+):")
# Lambda's calls start with a date, those of the Runtime API too. Their clients read JSON.
_DATED_PATH = re.compile(r"/\d{4}-\d\d-\d\d/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is refused: AWS's error code, and a message for the developer."""

    code: str
    message: str


def refusal(
    method: str, target: str, headers: Headers, *, port: int, access_key: str | None = None
) -> Refusal | None:
    """
    Return why a server on `port` refuses a request, or None if it serves it.

    `target` is the second word of the request line. With `access_key`, the request must be signed with it.
    The signature itself isn't checked.
    """
    for name, _ in headers:
        if BROWSER_HEADERS.fullmatch(name):
            return _denied(
                f"This port serves AWS clients and no browsers, and the request has the header {name}. "
                "Use an AWS client, or open a presigned URL with curl."
            )
        if PROXY_HEADERS.fullmatch(name):
            return _denied(
                f"This port serves this machine alone, and a proxy added the header {name} to the request. "
                "Call the port without the proxy."
            )
    hosts = [value.strip().lower() for name, value in headers if name.lower() == "host"]
    if len(hosts) != 1 or hosts[0] not in own_hosts(port) or not target.startswith("/"):
        return _denied(
            f"This port serves requests to {LOOPBACK}:{port} alone, and the request names another host. "
            "Use the address in AWS_ENDPOINT_URL."
        )
    if method not in METHODS:
        return _denied("This port serves AWS clients alone, which don't use this method. Use an AWS client.")
    if access_key is not None and not compare_digest(sent_access_key(target, headers), access_key.encode()):
        return Refusal(
            code="InvalidClientTokenId",
            message=(
                "The request isn't signed with the access key of AWS on this machine, which is new at each "
                "start. Read the variables of this start again (. .offload/env)."
            ),
        )
    return None


def own_hosts(port: int) -> set[str]:
    """Return the values of a Host header that name `port` on this machine."""
    names = {f"[{name}]" if ":" in name else name for name in LOOPBACK_HOSTS}
    return {f"{name}:{port}" for name in names} | (names if port == HTTP_PORT else set())


def sent_access_key(target: str, headers: Headers) -> bytes:
    """Return the access key that signed a request, from its header or its presigned URL, or b""."""
    signatures = [value for name, value in headers if name.lower() == "authorization"]
    if len(signatures) == 1:
        match = _ACCESS_KEY.match(signatures[0])
        return (match[1] or match[2]).encode() if match else b""
    if signatures:
        return b""
    query = parse_qs(target.partition("?")[2])
    credentials = [*query.get("X-Amz-Credential", ()), *query.get("AWSAccessKeyId", ())]
    return credentials[0].partition("/")[0].encode() if len(credentials) == 1 else b""


def new_access_key() -> str:
    """Return an access key that nobody can guess."""
    return f"LOCAL{secrets.token_hex(16).upper()}"


def authorization(access_key: str) -> str:
    """Return the header that lets a request pass which no AWS client signs."""
    return f"AWS {access_key}:unsigned"


def error_response(refused: Refusal, target: str, headers: Headers) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a refusal, in the form that the called service's client reads."""
    signed_for_s3 = any(name.lower() == "authorization" and "/s3/" in value for name, value in headers)
    json_client = _DATED_PATH.match(target) or any(
        name.lower() == "x-amz-target" or (name.lower() == "content-type" and "json" in value.lower())
        for name, value in headers
    )
    if json_client and not signed_for_s3:  # An object may be JSON, and a bucket's name a date.
        # The runtime client and Lambda's client use other names for the same.
        body = json.dumps(
            {"__type": refused.code, "message": refused.message, "errorType": refused.code}
        ).encode()
        return {"Content-Type": "application/json", "x-amzn-ErrorType": refused.code}, body
    error = f"<Code>{refused.code}</Code><Message>{escape(refused.message)}</Message>"
    # S3 answers with Error alone, the older services with an Error inside.
    text = f"<Error>{error}</Error>"
    if not signed_for_s3:
        text = f"<ErrorResponse>{text}</ErrorResponse>"
    return {"Content-Type": "application/xml"}, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _denied(message: str) -> Refusal:
    return Refusal(code="AccessDenied", message=message)
