"""Several messages of a batch at a time: how many, in which order answered, and what ends them."""

import threading
from contextvars import ContextVar

import pytest

from django_offload.worker.side_by_side import side_by_side

LONGEST_WAIT = 10.0
said = ContextVar("said", default="nothing")


class Watched:
    """Work that says how many are at it; the first `meeting` wait for each other."""

    def __init__(self, meeting=1):
        self._lock, self._meeting = threading.Lock(), threading.Barrier(meeting)
        self._first = meeting
        self.at_it = self.most = 0
        self.done = []

    def __call__(self, item):
        with self._lock:
            self.at_it += 1
            self.most = max(self.most, self.at_it)
        if item < self._first:
            self._meeting.wait(LONGEST_WAIT)
        with self._lock:
            self.at_it -= 1
            self.done.append(item)
        return item % 3 != 0


def test_as_many_as_told_are_at_it_and_never_more():
    work = Watched(meeting=4)

    answers = side_by_side(work, range(50), 4)

    assert work.most == 4
    assert sorted(work.done) == list(range(50))
    assert answers == [number % 3 != 0 for number in range(50)]


def test_no_more_threads_than_items_and_none_of_them_stays():
    names = set()
    before = set(threading.enumerate())

    side_by_side(lambda item: bool(names.add(threading.current_thread().name)), range(2), 100)

    assert names <= {"task-0", "task-1"}
    assert set(threading.enumerate()) <= before  # A thread of another test may end meanwhile.


def test_the_end_of_one_overlaps_the_begin_of_others():
    third_began, order = threading.Event(), []

    def work(item):
        if item == 2:
            third_began.set()
        if item == 0:  # Whose end waits for the begin of the third.
            assert third_began.wait(LONGEST_WAIT)
        order.append(item)
        return True

    assert side_by_side(work, range(3), 2) == [True] * 3
    assert order[0] == 1


def test_what_bounds_the_batch_bounds_each_thread():
    token = said.set("so")
    try:
        heard = set()
        side_by_side(lambda item: bool(heard.add(said.get())), range(3), 3)
    finally:
        said.reset(token)

    assert heard == {"so"}


def test_an_interrupt_in_a_thread_is_raised_and_nothing_more_is_begun():
    begun, interrupted = [], []

    def work(item):
        begun.append(item)
        if item == 0:
            interrupted.append(threading.current_thread())
            raise KeyboardInterrupt
        while not interrupted:
            threading.Event().wait(0.001)
        interrupted[0].join(LONGEST_WAIT)
        return True

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, range(50), 2)

    assert set(begun) <= {0, 1}
