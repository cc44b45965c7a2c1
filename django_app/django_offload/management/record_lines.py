"""A described record, as a reader is told of it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..protocol.record import FAILED, READY, RUNNING, SUCCESSFUL
from .tables import Painted

WIDTH = 13
MEANINGS = {READY: "waits", RUNNING: "busy", SUCCESSFUL: "good", FAILED: "bad"}
Line = list[str]


def lines(status: Mapping[str, Any]) -> Iterator[Line]:
    """Yield what a record tells, a line each as its pieces; its error and traceback last."""
    for key, value in status.items():
        if value is not None and key != "error":
            yield [_key(key), _value(key, value)]
    error = status.get("error")
    if error:
        yield [_key("error"), Painted(error["class"], "bad"), f": {error['message']}"]
        if error.get("traceback"):
            yield from ([line] for line in error["traceback"].rstrip().splitlines())


def far(progress: Mapping[str, Any] | None) -> str:
    """Return how far a task is, by the progress that it told."""
    if not progress:
        return ""
    total, message = progress.get("total"), progress.get("message")
    of = f" of {total:,}" if total is not None else ""
    return f"{progress['done']:,}{of}{f', {message}' if message else ''}"


def painted(state: str) -> Painted:
    """Return a state in its colour."""
    return Painted(state, MEANINGS[state])


def _key(key: str) -> Painted:
    return Painted(f"{key:<{WIDTH}} ", "heading")


def _value(key: str, value: Any) -> str:
    if key == "status":
        return painted(value)
    if key == "progress":
        return far(value)
    if key.endswith("_at") or key == "run_after":
        return f"{value[:10]} {value[11:19]} UTC"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
