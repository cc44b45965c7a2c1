"""Markers of effects that have outlived their tasks."""

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
    """Remove the markers of tasks that cannot run again; trouble with the database is the next sweep's."""
    from ..effects import removal

    try:
        return +Counter(forgotten=removal.remove(django_time(now - life()), left))
    except Exception:
        logger.exception("Old markers of effects could not be removed; the next sweep tries again")
        return Counter(failed=1)


def life() -> timedelta:
    """
    Return for how long the marker of an effect is kept: two lives of the longest task, for one redrive.

    A life is a record's until its task ends, and then as long as it can be redriven.
    """
    kept = [
        RECORD_LIFE,
        *(options.ttl(queue) for options in configured().values() for queue in options.queues),
    ]
    kept += [
        own for task in registry().tasks.values() if (own := getattr(task, "result_ttl", None)) is not None
    ]
    return 2 * (RECORD_LIFE + max(kept))
