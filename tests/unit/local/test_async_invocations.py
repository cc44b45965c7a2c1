"""Asynchronous invocations: when and where they run, and their retries."""

import threading

import pytest

from django_offload.local.lambda_.async_invocations import AsyncInvocations
from django_offload.local.lambda_.invoker import Outcome, failed_outcome

from .fakes import FakeInvoker, eventually, function

FINE, BROKEN = Outcome(payload=b"null"), failed_outcome("ValueError", "no")


def test_nothing_runs_before_it_is_asked_for() -> None:
    invoker = FakeInvoker()
    invocations = AsyncInvocations(invoker)

    invocations.submit(function(), b"1")
    invocations.submit(function("other"), b"2")

    assert invoker.events == []
    assert invocations.run_pending() == 2
    assert invoker.events == [b"1", b"2"]
    assert invocations.run_pending() == 0


def test_an_error_is_tried_twice_more(caplog: pytest.LogCaptureFixture) -> None:
    invoker = FakeInvoker(BROKEN)
    invocations = AsyncInvocations(invoker)

    invocations.submit(function(), b"1")

    assert invocations.run_pending() == 3
    assert invoker.events == [b"1"] * 3
    assert "failed 3 times and won't be retried: ValueError: no" in caplog.text


def test_a_success_ends_the_tries() -> None:
    invoker = FakeInvoker(BROKEN, FINE)
    invocations = AsyncInvocations(invoker)

    invocations.submit(function(), b"1")

    assert invocations.run_pending() == 2


def test_a_cleared_invocation_does_not_run() -> None:
    invocations = AsyncInvocations(FakeInvoker())
    invocations.submit(function(), b"1")

    invocations.clear()

    assert invocations.run_pending() == 0


def test_started_they_run_by_themselves_and_try_again() -> None:
    invoker = FakeInvoker(BROKEN, BROKEN, FINE)
    invocations = AsyncInvocations(invoker, retry_delay_seconds=0.01)
    invocations.start(2)

    invocations.submit(function(), b"1")

    eventually(lambda: invoker.events == [b"1"] * 3)
    invocations.stop()


def test_one_busy_function_does_not_hold_up_another() -> None:
    go = threading.Event()
    invoker = FakeInvoker(during=lambda: None if invoker.events[-1] == b"quick" else go.wait(5) and None)
    invocations = AsyncInvocations(invoker)
    invocations.start(1)

    invocations.submit(function("slow"), b"slow")
    eventually(lambda: invoker.events == [b"slow"])
    invocations.submit(function("slow"), b"slow")
    invocations.submit(function("quick"), b"quick")

    eventually(lambda: invoker.events == [b"slow", b"quick"])
    go.set()
    eventually(lambda: invoker.events == [b"slow", b"quick", b"slow"])
    invocations.stop()


def test_stopping_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    invocations = AsyncInvocations(FakeInvoker(BROKEN), retry_delay_seconds=60)
    invocations.start(2)
    invocations.submit(function(), b"1")
    eventually(lambda: set(threading.enumerate()) != before)

    invocations.stop()

    eventually(lambda: set(threading.enumerate()) <= before)
