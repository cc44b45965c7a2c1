"""What stands in for AWS in this process, in tests and simulations."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StandIns[Seam]:
    """
    Stand-ins by the stack whose store, transport or payloads they replace.

    `changed` is called whenever one comes or goes, so that nobody keeps what was replaced.
    """

    def __init__(self, changed: Callable[[], object]) -> None:
        self._by_stack: dict[str, Seam] = {}
        self._changed = changed

    def get(self, stack: str) -> Seam | None:
        """Return the stand-in of a stack, or None if AWS itself is used."""
        return self._by_stack.get(stack)

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
        self._changed()
