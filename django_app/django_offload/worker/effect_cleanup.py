"""Remove the markers of effects that have outlived their tasks."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from ..conf import configured
from ..definition.registry import registry
from ..definition.results import django_time
from ..protocol.record import RECORD_LIFE

logger = logging.getLogger("django_offload")


def remove_old_markers(now: datetime, left: Callable[[], float]) -> Counter[str]:
    """Remove the markers of tasks that can't run again. The next sweep repeats what the database refused."""
    from ..effects import removal

    try:
        return +Counter(forgotten=removal.remove(django_time(now - marker_life()), left))
    except Exception:
        logger.exception("Old markers of effects could not be removed; the next sweep tries again")
        return Counter(failed=1)


def marker_life() -> timedelta:
    """
    Return how long the marker of an effect is kept: two lives of the longest task, for one redrive.

    A life is the record's until its task ends, and then as long as the task can be redriven.
    """
    result_lives: list[timedelta] = [
        RECORD_LIFE,
        *(options.ttl(queue) for options in configured().values() for queue in options.queues),
        *(ttl for task in registry().tasks.values() if (ttl := getattr(task, "result_ttl", None))),
    ]
    return 2 * (RECORD_LIFE + max(result_lives))
