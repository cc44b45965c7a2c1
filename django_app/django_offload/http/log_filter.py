"""
Hide the tokens of links in logs and error reports, because anybody who reads one there can use it for a day.

The same filter keeps a request from forging a line of the log, as logs/ does for our own loggers.

The app's configuration filters the loggers of Django, gunicorn, uvicorn and Zappa. For another server that
runs in Python, put a TokenFilter on the logger of its access log.
"""

import logging
import re

from django.http import HttpRequest

from ..logs import OneRecordALine
from ..logs.escaping import escape_controls

HIDDEN = "***"
# What may stand for a letter in a query: itself or its percent code. A link inside a link is encoded again.
NAME = "".join(f"(?:{letter}|%(?:25)*(?:{ord(letter):x}|{ord(letter.upper()):x}))" for letter in "token")
PARAMETER = re.compile(
    rf"((?:^|[?&\s\"'(]|&amp;|\\u0026|%(?:25)*(?:3f|26)){NAME}(?:=|%(?:25)*3d)'?)[^&#\s\"'<>]+", re.IGNORECASE
)
# The header in a dump of a request: as in a dictionary, a list of pairs or HTTP itself.
HEADER_LINE = re.compile(r"(x-offload-token['\"]?\s*[:=,]\s*b?['\"]?)[^\s'\",}]+", re.IGNORECASE)
# Where servers, browsers and htmx put an address. Cookies and other headers are not addresses.
ADDRESSES = ("QUERY_STRING", "REQUEST_URI", "RAW_URI", "HTTP_REFERER", "HTTP_HX_CURRENT_URL")


def without_tokens(text: str) -> str:
    """Return a text with `***` for the value of each parameter `token`, and of the header X-Offload-Token."""
    return HEADER_LINE.sub(rf"\1{HIDDEN}", PARAMETER.sub(rf"\1{HIDDEN}", text))


class TokenFilter(OneRecordALine):
    """Hide the tokens in a log record, and in the request that it carries for error mails."""

    def cleaned(self, text: str) -> str:
        return without_tokens(text)

    def filter(self, record: logging.LogRecord) -> bool:
        super().filter(record)
        if not record.args:
            record.msg = escape_controls(without_tokens(str(record.msg)))
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest):
            record.request = redacted_copy(request)
        return True


def redacted_copy(request: HttpRequest) -> HttpRequest:
    """Return a copy of a request without its tokens. The request itself may still be needed as it is."""
    duplicate = object.__new__(type(request))
    duplicate.__dict__.update(request.__dict__)
    duplicate.META = dict(request.META)
    duplicate.META.pop("lambda.event", None)  # It repeats the address, and all headers.
    hide_in_request(duplicate)
    return duplicate


def hide_in_request(request: HttpRequest) -> None:
    """Hide the tokens in a request's addresses, for everything that reports errors of this request."""
    for name in ADDRESSES:
        if isinstance(address := request.META.get(name), str):
            request.META[name] = without_tokens(address)
    parameters = request.GET.copy()
    for name, values in request.GET.lists():
        parameters.setlist(
            name, [HIDDEN if name.lower() == "token" else without_tokens(value) for value in values]
        )
    parameters._mutable = False
    request.GET = parameters  # type: ignore[assignment]


token_filter = TokenFilter()
