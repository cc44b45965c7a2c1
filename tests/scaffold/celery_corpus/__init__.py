"""A corpus of idioms of Celery, as real projects write them, with the answers that they must get."""

from . import calls, names, processes, results, running, settings, tasks
from .case import Case

CASES: tuple[Case, ...] = (
    *(*tasks.CASES, *running.CASES, *calls.CASES),
    *(*results.CASES, *processes.CASES, *settings.CASES, *names.CASES),
)

__all__ = ["CASES", "Case"]
