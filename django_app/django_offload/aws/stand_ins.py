"""Stand-ins for AWS in this process, for tests and simulations."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from ..compat import TEST_UTILS
from ..conf import Options

# What tells the time to a stand-in.
type Clock = Callable[[], datetime]


class StandIns[Seam]:
    """
    Stand-ins by the stack whose store, transport or payloads they replace.

    In Django's test environment, `in_memory` makes one for each stack that has none.
    `changed` is called whenever one comes or goes, so that no cache keeps what was replaced.
    """

    every: "list[StandIns[Any]]" = []  # noqa: RUF012, of all seams together

    def __init__(self, changed: Callable[[], object], in_memory: Callable[[Clock], Seam]) -> None:
        self._by_stack: dict[str, Seam] = {}
        self.changed, self.in_memory = changed, in_memory
        StandIns.every.append(self)

    def get(self, options: Options) -> Seam | None:
        """Return the stand-in of a stack, or None if AWS itself is used."""
        stand_in = self._by_stack.get(options.stack)
        if stand_in is None and TEST_UTILS in sys.modules:
            from . import memory

            return memory.stand_in(self, options)
        return stand_in

    def replaces(self, stack: str) -> bool:
        """Return True inside use() for a stack."""
        return stack in self._by_stack

    @contextmanager
    def use(self, stack: str, stand_in: Seam) -> Iterator[Seam]:
        """
        Replace what a stack uses inside the block, and restore after it what was there before.

        Raise RuntimeError if the block ends while another owner's stand-in is in its place: blocks of one
        stack must end in the reverse order of their begin.
        """
        before = self._by_stack.get(stack)
        self._put(stack, stand_in)
        try:
            yield stand_in
        finally:
            after = self._by_stack.get(stack)
            self._put(stack, before)
            if after is not stand_in:
                raise RuntimeError(
                    f"The stand-in of stack '{stack}' was replaced and not restored. "
                    "Leave the blocks of use() in the reverse order of entering them."
                )

    def _put(self, stack: str, stand_in: Seam | None) -> None:
        if stand_in is None:
            self._by_stack.pop(stack, None)
        else:
            self._by_stack[stack] = stand_in
        self.changed()


def follow_tests(options: Options, *, enqueues: bool = False) -> None:
    """
    Make the next use of a stack agree with the test environment, whatever was used before.

    Callers ask first whether TEST_UTILS is loaded, so that production pays one look into a dictionary.
    """
    from . import memory

    memory.follow(options, enqueues=enqueues)
