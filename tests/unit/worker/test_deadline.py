"""The soft deadline: it stops a task in time, and touches nothing else."""

import os
import signal
import sys
import threading
import time
import warnings
import weakref
from contextlib import suppress
from functools import lru_cache
from unittest import mock

import pytest

from django_offload.exceptions import DeadlineExceeded
from django_offload.worker import deadline
from django_offload.worker.deadline import LambdaInvocation, limited


def spin(seconds):
    """Work for a while without a blocking call."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        pass


def in_a_thread(work):
    """Run `work` in a thread of its own; return what it returned or raised."""
    answers = []

    def run():
        try:
            answers.append(work())
        except BaseException as exc:  # noqa: BLE001 - it is what the test looks at.
            answers.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    return answers[0]


def here(work):
    assert isinstance(deadline.timer(), deadline.OwnTimer)
    return work()


def by_sigalrm(work):
    """Run `work` with the timer of systems other than Linux."""
    with mock.patch.object(deadline, "timer", lru_cache(deadline.AlarmTimer)):
        return work()


everywhere = pytest.mark.parametrize(
    "place", [here, by_sigalrm, in_a_thread], ids=["main thread", "SIGALRM", "other thread"]
)


def test_a_blocking_call_in_the_main_thread_is_stopped():
    start = time.monotonic()

    with (
        pytest.raises(DeadlineExceeded, match=r"stopped after 0\.1 s because it reached its time limit"),
        limited(0.1),
    ):
        threading.Event().wait(10)

    assert time.monotonic() - start < 2


def test_code_in_another_thread_is_stopped():
    def work():
        with limited(0.1):
            spin(10)

    start = time.monotonic()
    answer = in_a_thread(work)

    assert isinstance(answer, DeadlineExceeded)
    assert "because it reached its time limit" in str(answer)
    assert time.monotonic() - start < 5


@everywhere
def test_work_in_time_is_left_alone_and_nothing_stays(place):
    for watch in threading.enumerate():  # Of an earlier test: it must not end while this one counts.
        if watch.name == "deadline":
            watch.join(5)
    threads, handler = threading.active_count(), signal.getsignal(signal.SIGALRM)

    def work():
        for _ in range(20):
            with limited(5):
                pass
        with limited(0.3):
            pass
        spin(0.4)  # Longer than the last limit: it must not reach here.
        return "done"

    assert place(work) == "done"
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    ends = time.monotonic() + 5
    while threading.active_count() > threads and time.monotonic() < ends:
        spin(0.01)
    assert threading.active_count() == threads


@everywhere
def test_after_a_deadline_nothing_stays_either(place):
    handler = signal.getsignal(signal.SIGALRM)

    def work():
        for _ in range(3):
            with pytest.raises(DeadlineExceeded), limited(0.03):
                spin(10)
        spin(0.1)
        return "done"

    assert place(work) == "done"
    assert signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@everywhere
def test_who_catches_the_deadline_and_goes_on_is_stopped_again(place):
    caught = []

    def work():
        with limited(0.05):
            for _ in range(2):
                try:
                    spin(10)
                except Exception as exc:  # noqa: BLE001 - as careless code does.
                    caught.append(type(exc))
            spin(10)

    def stopped():
        with pytest.raises(DeadlineExceeded):
            work()

    start = time.monotonic()

    assert place(stopped) is None
    assert caught == [DeadlineExceeded, DeadlineExceeded]
    assert time.monotonic() - start < 8


def test_a_client_that_wraps_what_a_call_raises_and_tries_again_is_stopped_again():
    tries = []

    def call():
        tries.append(1)
        try:
            threading.Event().wait(10)
        except Exception as exc:
            raise ConnectionError("the call failed") from exc

    def keeps_trying():
        for _ in range(2):
            with suppress(ConnectionError):
                call()
        call()

    with pytest.raises(ConnectionError), limited(0.05):
        keeps_trying()

    assert len(tries) == 3


def test_what_clears_up_after_a_deadline_has_time_for_it():
    cleared = []

    def work():
        try:
            spin(10)
        finally:
            spin(3 * deadline.AGAIN_SECONDS)
            cleared.append(True)

    with pytest.raises(DeadlineExceeded), limited(0.05):
        work()

    assert cleared == [True]


def test_a_handler_that_never_ends_is_stopped_too():
    def work():
        try:
            spin(10)
        except DeadlineExceeded:
            spin(10)

    with pytest.raises(DeadlineExceeded), limited(0.05):
        work()


@pytest.mark.parametrize(
    ("place", "clearing"),
    [(lambda work: work(), 0.001), (in_a_thread, deadline.CLEARING_SECONDS)],
    ids=["main thread", "other thread"],
)
def test_a_deadline_never_strikes_after_its_block(place, clearing, monkeypatch):
    monkeypatch.setattr(deadline, "AGAIN_SECONDS", 0.001)
    # Of another thread nobody can ask whether a strike has just ended its block: it has its second.
    monkeypatch.setattr(deadline, "CLEARING_SECONDS", clearing)
    outside = []

    def block(number):  # A function of its own, as execute() has it.
        with limited(0.001):
            spin(0.0008 + number * 2e-6)

    def work():
        for number in range(200):
            with suppress(DeadlineExceeded):
                block(number)
            try:
                spin(0.0015)
            except DeadlineExceeded as exc:
                outside.append(exc)
        return "done"

    assert place(work) == "done"
    assert outside == []


def test_a_block_that_was_left_unended_is_struck_no_more_once_its_function_is_left():
    """As where a strike hits the very call that was to end it."""

    def unended():
        limited(0.05).__enter__()

    def work():
        unended()
        spin(0.3)
        return "done"

    assert in_a_thread(work) == "done"


def test_a_signal_that_comes_late_is_ignored():
    with limited(5):
        number = deadline.timer().SIGNAL
        handler = signal.getsignal(number)

    assert handler(number, sys._getframe()) is None


@pytest.mark.parametrize("seconds", [0, -5])
def test_no_time_at_all_stops_at_once(seconds):
    with pytest.raises(DeadlineExceeded), limited(seconds):
        spin(5)


def test_an_exception_of_the_task_is_its_own():
    with pytest.raises(KeyError, match="mine"), limited(5):
        raise KeyError("mine")

    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_task_can_catch_the_deadline_as_a_timeout():
    caught = []
    with limited(0.05):
        try:
            spin(10)
        except TimeoutError as exc:
            caught.append(exc)

    assert isinstance(caught[0], DeadlineExceeded)


@pytest.mark.parametrize(("whole", "reserve"), [(300, 15), (900, 45), (30, 2), (2, 1), (1, 0.5), (0, 0)])
def test_a_reserve_is_kept_to_store_the_outcome(whole, reserve):
    invocation = LambdaInvocation(left=lambda: whole, whole=whole, worker_id="w")

    assert invocation.reserve == reserve
    assert invocation.usable() == whole - reserve


@pytest.mark.parametrize(
    ("left", "timeout", "fits"),
    [
        (300, None, True),
        (300, 60, True),
        (300, 10_000, True),  # Longer than any invocation: a fresh one is all there is.
        (100, 60, True),
        (60, 60, False),
        (16, None, True),
        (15, None, False),
        (0, None, False),
    ],
)
def test_a_task_starts_only_where_it_has_its_time(left, timeout, fits):
    invocation = LambdaInvocation(left=lambda: left, whole=300, worker_id="w")

    assert invocation.has_time_for(timeout) is fits


def test_a_block_within_a_block_leaves_the_outer_one_its_time():
    def work():
        with limited(0.3):
            with limited(5):
                pass
            with suppress(DeadlineExceeded), limited(0.01):
                spin(10)
            spin(10)

    with pytest.raises(DeadlineExceeded, match=r"after 0\.3 s"):
        work()


def test_a_thread_that_was_stopped_and_went_on_has_its_local_variables_freed():
    class Block:
        pass

    def stopped():
        block = Block()
        with suppress(DeadlineExceeded):
            spin(10)
        return weakref.ref(block)

    def work():
        with limited(0.05):
            return stopped()() is None  # While the watch waits to stop it again.

    assert in_a_thread(work) is True


def test_a_child_process_has_a_timer_of_its_own():
    with limited(5):  # The timer of this process.
        pass
    with warnings.catch_warnings(action="ignore"):  # Of the threads of other tests.
        pid = os.fork()
    if pid == 0:
        try:
            with limited(0.05):
                spin(5)
        except DeadlineExceeded:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
