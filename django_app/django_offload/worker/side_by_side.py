"""Several messages of one batch at a time, each in a thread; their coroutines meet on one loop."""

from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from threading import Thread

from django.db import connections

from .one_loop import OneLoop, shared


def side_by_side[T](work: Callable[[T], bool], items: Sequence[T], most: int) -> list[bool]:
    """
    Work on every item, on at most `most` at a time; return the answers in the order of the items.

    A thread takes the next item once it has done with one, so that the end of one overlaps the begin of
    others. Raise whatever `work` raised, once every thread has stopped; what was not begun stays undone.
    """
    crew = _Crew(work, items)
    with OneLoop() as loop:
        token = shared.set(loop)
        try:
            # A context of its own for each: what bounds calls to AWS here bounds them there.
            threads = [
                Thread(target=copy_context().run, args=(crew.serve,), name=f"task-{number}", daemon=True)
                for number in range(min(most, len(items)))
            ]
            crew.gather(threads)
        finally:
            shared.reset(token)
    return crew.answers


class _Crew[T]:
    """What the threads of one batch share. Its two ends are changed atomically: they need no lock."""

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
            self._waiting.clear()  # Interrupted: nothing more is begun.
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
            connections.close_all()  # This thread's, which nobody else could close.
