"""Ctrl-C and SIGTERM."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from django_offload.local.aws.local_aws import LocalAWS
from django_offload.local.serve import session as session_module
from django_offload.local.serve.interrupts import Interrupts
from django_offload.local.serve.session import Session
from django_offload.local.serve.web import ChildProcess
from django_offload.local.watchdog import Watchdog

# A command that answers SIGTERM with an exit code of its own. A shell starts faster than Python.
COMMAND = ["/bin/sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.01; done"]
PATIENCE_SECONDS = 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_recorded_and_raise_nothing(number: int) -> None:
    with Interrupts() as interrupts:
        assert interrupts.number is None
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGINT)

        assert interrupts.number == number
        assert interrupts.take() == [number, signal.SIGINT]
        assert interrupts.take() == []
        assert interrupts.number == number


def test_the_previous_handlers_are_restored() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    with Interrupts():
        pass

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_in_another_thread_nothing_changes() -> None:
    errors: list[BaseException] = []

    def enter() -> None:
        try:
            with Interrupts():
                pass
        except ValueError as exc:
            errors.append(exc)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert errors == []


class Interruption:
    """Calls a function at the n-th line that this thread runs in the given files, and counts the lines."""

    def __init__(self, files: set[str], at: int, interrupt: Callable[[], object]) -> None:
        self.lines: set[tuple[str, int]] = set()
        self._files, self._at, self._interrupt = files, at, interrupt
        self.done = False

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename not in self._files:
            return None
        line = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and line not in self.lines:
            self.lines.add(line)
            if len(self.lines) == self._at and not self.done:
                self.done = True
                self._interrupt()
        return self


@contextmanager
def traced(trace: Any) -> Iterator[None]:
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    started = Watchdog()
    yield started
    started.close()


def test_a_signal_at_any_line_of_the_wait_reaches_the_command(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """
    Deliver SIGTERM at each line of the loop, of Popen's methods and of the poll below them.

    A handler that raised after `_waitpid_lock.acquire()` left a lock that the wait for the command needed.
    """
    import subprocess

    files = {session_module.__file__, subprocess.__file__, sys.modules[ChildProcess.__module__].__file__}
    monkeypatch.setattr(session_module, "POLL_SECONDS", 0.002)
    at, lines = 1, 1
    while at <= lines:
        with Interrupts() as interrupts:
            child = ChildProcess(COMMAND, {"PATH": os.environ["PATH"]}, watchdog)
            while "ready" not in capfd.readouterr().out:
                assert child.poll() is None
            session = Session(LocalAWS(), COMMAND, None, print, None, restart_workers=False)
            session._child = child
            interruption = Interruption(
                {file for file in files if file}, at, lambda: signal.raise_signal(signal.SIGTERM)
            )
            # Without the fix this hangs, and a second thread ends it.
            timer = threading.Timer(PATIENCE_SECONDS, child._process.kill)
            timer.start()
            with traced(interruption):
                code = wait_for(session, interrupts, interruption)
            timer.cancel()
            child.end()
        assert code == 9, f"line {at}: {sorted(interruption.lines)[-1]}"
        at, lines = at + 1, max(lines, len(interruption.lines))
    assert lines > 15


def wait_for(session: Session, interrupts: Interrupts, interruption: Interruption) -> int:
    """Wait as the command does. If no line is left for the interruption, interrupt anyway."""
    threading.Timer(0.05, lambda: interruption.done or os.kill(os.getpid(), signal.SIGTERM)).start()
    return session.wait(interrupts)
