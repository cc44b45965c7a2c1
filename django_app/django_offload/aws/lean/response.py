"""A response of a service: its status, headers and body."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

# In a head whose letters are lower case.
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)(?:\r\n|\Z)")
KEEP_ALIVE = re.compile(rb"\r\nconnection: ?keep-alive(?:\r\n|\Z)")
LOWEST_FINAL_STATUS, VERSION = 200, b"HTTP/1.1 "


class Response(NamedTuple):
    """A response; the names of its headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ResponseHeaders(Mapping[str, str]):
    """The headers of a response, which are parsed only if a caller needs one that may be there."""

    __slots__ = ("_head", "_headers", "_lower")

    def __init__(self, head: bytes, lower: bytes) -> None:
        self._head, self._lower = head, lower
        self._headers: dict[str, str] | None = None

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        if self._headers is None and f"\r\n{name}".encode() not in self._lower:
            return default
        return self._parsed().get(name, default)

    def __getitem__(self, name: str) -> str:
        return self._parsed()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def _parsed(self) -> dict[str, str]:
        if self._headers is None:
            self._headers = parse_headers(self._head.decode("latin-1").split("\r\n")[1:])
        return self._headers


def parse_headers(lines: Sequence[str]) -> dict[str, str]:
    """Return the headers that the lines of a head contain. Raise ValueError if they contradict each other."""
    fields = [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in fields}
    if len(headers) == len(fields) and "content-length" in headers:
        return headers
    # Unusual: a name ends with a blank, or occurs twice.
    headers = {}
    for field, _, value in fields:
        name = field.strip().lower()
        if name == "content-length" and headers.get(name, value.strip()) != value.strip():
            raise ValueError("two lengths")
        headers[name] = value.strip()
    return headers


def parse_complete(data: bytes) -> Response | None:
    """
    Return the response that `data` consists of; the connection can then carry another request.

    Return None if the response is incomplete or unusual, so that a ResponseReader has to read it.
    """
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    length = CONTENT_LENGTH.search(lower)
    if (
        length is None
        or int(length[1]) != len(body)
        or not head.startswith(VERSION)
        or lower.count(b"\r\ncontent-length") > 1
        or b"\r\ntransfer-encoding" in lower
        or (
            b"\r\nconnection" in lower
            and not (lower.count(b"\r\nconnection") == 1 and KEEP_ALIVE.search(lower))
        )
    ):
        return None
    status = int(head[9:12])
    return Response(status, ResponseHeaders(head, lower), body) if status >= LOWEST_FINAL_STATUS else None
