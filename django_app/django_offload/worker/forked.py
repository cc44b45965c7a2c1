"""A child process that a task forked ends where it comes back from the task: it is no worker."""

import os
import sys
from contextlib import suppress


class ThisProcess:
    """Knows this process from a child that it forked, without a system call."""

    mark = object()

    @classmethod
    def fork(cls) -> None:
        cls.mark = object()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=ThisProcess.fork)


def end_child() -> None:
    """End this process, which a task forked, and in which the task's function has ended."""
    # Without logging, for which another thread may have held a lock at the fork.
    with suppress(OSError):
        os.write(2, b"Process %d, which a task forked, came back from the task: ended\n" % os.getpid())
    exc = sys.exception()
    code = exc.code if isinstance(exc, SystemExit) else exc and 1
    os._exit(code if isinstance(code, int) else bool(code))
