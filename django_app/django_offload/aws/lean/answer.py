"""What comes back from a service: its status, the fields of its head, its body."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

# In a head whose letters are lower case.
LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)(?:\r\n|\Z)")
KEPT = re.compile(rb"\r\nconnection: ?keep-alive(?:\r\n|\Z)")
LEAST_STATUS, VERSION = 200, b"HTTP/1.1 "


class Answer(NamedTuple):
    """What came back; names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fields(Mapping[str, str]):
    """The headers of a head, which is read through once more than one of them is asked for."""

    __slots__ = ("_found", "_head", "_lower")

    def __init__(self, head: bytes, lower: bytes) -> None:
        self._head, self._lower = head, lower
        self._found: dict[str, str] | None = None

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        if self._found is None and f"\r\n{name}".encode() not in self._lower:
            return default
        return self._all().get(name, default)

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, str]:
        if self._found is None:
            self._found = headers_of(self._head.decode("latin-1").split("\r\n")[1:])
        return self._found


def headers_of(lines: Sequence[str]) -> dict[str, str]:
    """Return the headers of the lines of a head. Raise ValueError if they contradict each other."""
    fields = [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in fields}
    return headers if len(headers) == len(fields) and "content-length" in headers else _careful(fields)


def _careful(fields: Sequence[tuple[str, str, str]]) -> dict[str, str]:
    """Return headers of unusual answers: names that end with blanks, or that are told twice."""
    headers: dict[str, str] = {}
    for field, _, value in fields:
        name = field.strip().lower()
        if name == "content-length" and headers.get(name, value.strip()) != value.strip():
            raise ValueError("two lengths")
        headers[name] = value.strip()
    return headers


def usual(data: bytes) -> Answer | None:
    """Return the answer that `data` is, whole and not the last of its connection; None if it is unusual."""
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    length = LENGTH.search(lower)
    if (
        length is None
        or int(length[1]) != len(body)
        or not head.startswith(VERSION)
        or lower.count(b"\r\ncontent-length") > 1
        or b"\r\ntransfer-encoding" in lower
        or (b"\r\nconnection" in lower and not (lower.count(b"\r\nconnection") == 1 and KEPT.search(lower)))
    ):
        return None
    status = int(head[9:12])
    return Answer(status, Fields(head, lower), body) if status >= LEAST_STATUS else None
