"""Several messages of one batch at a time, each in a thread; their coroutines meet on one loop."""

from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import Thread

from django.db import connections

from .one_loop import OneLoop, shared


def side_by_side[T](work: Callable[[T], bool], items: Sequence[T], most: int) -> list[bool]:
    """
    Work on every item, at most `most` at a time, and return the answers in the order of the items.

    A thread takes the next item when it has finished one: the end of one overlaps the start of others.
    If `work` raises an exception, no other item is started, and it is raised when every thread has stopped.
    """
    crew = Crew(work, items)
    with OneLoop() as loop:
        token = shared.set(loop)
        try:
            # Each thread has a copy of the context, which limits the time of its calls to AWS.
            threads = [
                Thread(target=copy_context().run, args=(crew.serve,), name=f"task-{number}", daemon=True)
                for number in range(min(most, len(items)))
            ]
            crew.gather(threads)
        finally:
            shared.reset(token)
    return crew.answers


class Crew[T]:
    """What the threads of one batch share. Both ends of a deque change atomically, without a lock."""

    def __init__(self, work: Callable[[T], bool], items: Sequence[T]) -> None:
        self._work, self._waiting = work, deque(enumerate(items))
        self._broken: deque[BaseException] = deque()
        self.answers = [False] * len(items)

    def gather(self, threads: Sequence[Thread]) -> None:
        """Start the threads, and wait for their end."""
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self._waiting.clear()  # After an interrupt, no other item is started.
        if self._broken:
            raise self._broken[0]

    def serve(self) -> None:
        """Take one item after the other until there is none."""
        try:
            while True:
                try:
                    number, item = self._waiting.popleft()
                except IndexError:
                    return
                self.answers[number] = self._work(item)
        except BaseException as exc:  # noqa: BLE001, raised again where the batch is answered
            self._broken.append(exc)
            self._waiting.clear()
        finally:
            connections.close_all()  # No other thread could close those of this one.
