"""The task of `offload_doctor --probe`. Every worker knows it, and loads this module when it gets one."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from ..conf import configured
from .offload_task import OffloadTask
from .registry import PROBE

# The result of a probe can be read for an hour, in seconds.
RESULT_TTL = 3_600


class ProbeTask(OffloadTask):
    """A probe. It sends no signals, because a project's receivers would take it for a task of the project."""

    __slots__ = ()

    is_silent: ClassVar[bool] = True


def probe(filling: str = "") -> dict[str, Any]:
    """Return what the worker says about itself, and `filling`, which travels to the worker and back."""
    return {
        "process_seconds": process_seconds(),
        "version": os.environ.get("AWS_LAMBDA_FUNCTION_VERSION"),
        "memory": os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
        "filling": filling,
    }


def probe_task() -> OffloadTask:
    """Return the probe on some queue of TASKS. using() sends it through another alias or queue."""
    alias, options = next(iter(configured().items()))
    return ProbeTask(
        func=probe,
        backend=alias,
        queue_name=next(iter(options.queues)),
        name=PROBE,
        max_attempts=1,
        result_ttl=RESULT_TTL,  # type: ignore[arg-type]
        tenant=None,  # So that OPTIONS["tenant"] isn't asked.
    )


def process_seconds() -> float | None:
    """Return for how long this process has existed, or None if this system doesn't say it."""
    with suppress(OSError, AttributeError, ValueError, IndexError):
        # The name of the program, in parentheses, may contain blanks. The 22nd field is the start.
        after_name = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started_at = int(after_name[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_at)
    return None
