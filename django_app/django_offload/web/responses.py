"""What a web function returns: apig-wsgi's response, with every header, within Lambda's limit."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGEST_RESPONSE = 6 * 1024 * 1024
# The bytes that a character of the body may take as JSON (\u001b).
BYTES_PER_CHARACTER = 6
# Content types, or their beginnings, that are sent as text. Bodies of others are sent as base64.
TEXT_TYPES = (
    *("text/", "application/json", "application/problem+json", "application/vnd.api+json"),
    *("application/javascript", "application/ecmascript", "application/xml", "image/svg+xml"),
)
REFUSED = "The headers of this request can't be read. Correct its Content-Type, and send it again."
FAILED = "The server couldn't answer this request. The reason is in the log of the web function."
TOO_LARGE = (
    "The response is {size:,} bytes, and a Lambda function can return {limit:,}. Return less, for example a "
    "page of a list, or a redirect to a file in a bucket."
)
# apig-wsgi sends a body with this header as base64, whatever its type.
_AS_BASE64 = ("Content-Encoding", "offload-base64")

type Headers = list[tuple[str, str]]


def for_adapter(headers: Sequence[tuple[str, str]], body: bytes) -> Headers:
    """
    Return the headers of a response for apig-wsgi, which would keep one of several with the same name.

    Cookies stay several. A body that isn't UTF-8 can't be sent as text, so it gets a header that completed()
    removes.
    """
    cookies: Headers = []
    others: dict[str, tuple[str, str]] = {}
    for name, value in headers:
        key = name.lower()
        if key == "set-cookie":
            cookies.append((name, value))
        else:
            others[key] = (name, f"{others[key][1]}, {value}" if key in others else value)
    if "content-encoding" not in others and not is_utf8(body):
        others["content-encoding"] = _AS_BASE64
    return [*others.values(), *cookies]


def completed(response: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """
    Return a response of apig-wsgi without the header of for_adapter(), in the form of all events.

    `names` has each header's name by its name in lower case. Some clients of a function look for the former.
    """
    multiple: dict[str, list[str]] | None = response.get("multiValueHeaders")
    if multiple is not None:
        if multiple.get(_AS_BASE64[0]) == [_AS_BASE64[1]]:
            del multiple[_AS_BASE64[0]]
        # API Gateway merges both, and counts what is in both once.
        response["headers"] = {
            name: values[0] for name, values in multiple.items() if name.lower() != "set-cookie"
        }
    else:
        response["headers"] = {
            names.get(name, name): value
            for name, value in response["headers"].items()
            if (name, value) != (_AS_BASE64[0].lower(), _AS_BASE64[1])
        }
    if not response["body"]:
        response["isBase64Encoded"] = False
    return response


def plain_response(sentence: str, status: int = 500) -> dict[str, Any]:
    """Return a response that both versions understand."""
    return {
        "statusCode": status,
        "headers": {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"},
        "body": f"{sentence}\n",
        "isBase64Encoded": False,
    }


def size_of(response: Mapping[str, Any]) -> int:
    """Return the bytes of a response as JSON, or 0 if it is small anyway."""
    if len(response["body"]) * BYTES_PER_CHARACTER < LARGEST_RESPONSE // 2:
        return 0
    # Lambda's runtime escapes only what JSON demands.
    return len(json.dumps(response, ensure_ascii=False).encode())


def is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
