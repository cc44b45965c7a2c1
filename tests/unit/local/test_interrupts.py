"""Ctrl-C and SIGTERM."""

import os
import signal
import threading
from contextlib import suppress

import pytest

from django_offload.local.serve.interrupts import Interrupted, Interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_one_interruption_and_no_more(number: int) -> None:
    with Interrupts() as interrupts:
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), signal.SIGINT)

    assert interrupts.number == number


def test_a_signal_is_deferred_while_something_starts() -> None:
    reached = []

    def start(interrupts: Interrupts) -> None:
        with interrupts.deferred():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("the end of the block")

    with Interrupts() as interrupts, pytest.raises(Interrupted):
        start(interrupts)

    assert reached == ["the end of the block"]


def test_the_next_check_raises_an_interruption_that_was_lost() -> None:
    with Interrupts() as interrupts:
        interrupts.check()
        with suppress(Interrupted):  # As Python does with what is raised in __del__.
            os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(Interrupted):
            interrupts.check()


def test_a_signal_during_the_end_is_ignored() -> None:
    with Interrupts() as interrupts:
        interrupts.ignore()
        os.kill(os.getpid(), signal.SIGINT)


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
