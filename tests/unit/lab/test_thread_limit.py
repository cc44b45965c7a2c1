"""The site serves as many requests at a time as it has threads. The others wait for their turn."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import pytest

from lab.thread_limit import WAITED, ThreadLimit

PATIENCE_SECONDS = 10


class Slow:
    """An application whose responses wait for `may_end`."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.waited: dict[str, float] = {}
        self.may_end = {name: Event() for name in "abcd"}
        self.has_begun = {name: Event() for name in "abcd"}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        name = environ["name"]
        self.begun.append(name)
        self.waited[name] = environ[WAITED]
        self.has_begun[name].set()
        assert self.may_end[name].wait(PATIENCE_SECONDS)
        if name == "b":
            raise ValueError
        return [name.encode()]


def ask(application: ThreadLimit, name: str) -> Thread:
    def request() -> None:
        with suppress(ValueError):
            application({"name": name}, lambda *_: lambda _: None)

    thread = Thread(target=request, daemon=True)
    thread.start()
    return thread


def begun(slow: Slow, name: str) -> bool:
    return slow.has_begun[name].wait(PATIENCE_SECONDS)


def until_waiting(application: ThreadLimit, count: int) -> None:
    pause = Event()
    for _ in range(1_000):
        if len(application._waiting) == count:
            return
        pause.wait(0.01)
    pytest.fail(f"{count} requests never waited")


def test_requests_beyond_the_threads_wait_in_their_order():
    slow = Slow()
    application = ThreadLimit(slow, 2)
    threads = [ask(application, "a"), ask(application, "b")]
    assert begun(slow, "a")
    assert begun(slow, "b")
    for count, name in enumerate("cd", start=1):
        threads.append(ask(application, name))
        until_waiting(application, count)

    slow.may_end["a"].set()
    assert begun(slow, "c")
    assert not slow.has_begun["d"].is_set()
    slow.may_end["b"].set()  # A request that fails releases its thread too.
    assert begun(slow, "d")

    for name in "cd":
        slow.may_end[name].set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert slow.begun[2:] == ["c", "d"]
    assert slow.waited["a"] < slow.waited["c"]
