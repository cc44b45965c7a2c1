"""The sweeper: look at every record that is due, and send a task again if its message is lost."""

import logging
import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.apps import apps

from ..aws import within
from ..conf import ENV_STACK, OUTBOX, stacks
from ..stores import store_of
from .connections import living_connections
from .effect_cleanup import remove_old_markers
from .events import LambdaContext, seconds_left, utc_now
from .fan_out import share_out
from .metrics import print_longest_running
from .step_results import EFFECTS
from .sweep_event import GROUP_LIFE, Occurrence, ShardGroup, read_event
from .sweeping import Sweeper

logger = logging.getLogger("django_offload")


def handler(event: Any, context: LambdaContext, clock: Callable[[], datetime] = utc_now) -> dict[str, int]:
    """
    Sweep every stack of TASKS once, or a group of shards, or enqueue the task of a schedule; count what was
    done.

    Raise UnknownEvent, with nothing done, if the event is none that the stack's rule, its schedules or its
    sweeper send.
    """
    # Before anything else, so that another event has no effect at all.
    cause = read_event(event, context, clock())
    enqueue = None
    if isinstance(cause, Occurrence):
        from .enqueue_scheduled import prepared  # Imported here, because most invocations are sweeps.

        enqueue = prepared(cause, clock)

    def left() -> float:
        return seconds_left(context)

    with living_connections(), within(left):
        if isinstance(cause, ShardGroup):
            return sweep_group(cause, clock, left)
        if enqueue is not None:
            return enqueue()
        return sweep(clock, left, context)


def sweep(
    clock: Callable[[], datetime], left: Callable[[], float], context: LambdaContext | None = None
) -> dict[str, int]:
    """
    Sweep every stack of TASKS once, and the outbox and the markers of effects if they are installed.

    With the context of Lambda, a backlog is shared out to more invocations.
    """
    done: Counter[str] = Counter()
    # Records come first, because a database that doesn't answer would take all the time there is. The outbox
    # has half of the time, which no backlog of records may take.
    outbox_seconds = left() / 2 if apps.is_installed(OUTBOX) else 0.0
    # In AWS the sweeper of a stack has the rights to that stack alone.
    own_stack = os.environ.get(ENV_STACK)
    for options in stacks():
        if own_stack not in {None, options.stack}:
            continue
        sweeper = Sweeper(
            options=options,
            store=store_of(options),
            clock=clock,
            left=lambda: left() - outbox_seconds,
        )
        if context is not None:
            share_out(sweeper, context)
        done += sweeper.run()
        if own_stack:
            print_longest_running(own_stack, sweeper.running, clock())
    if apps.is_installed(OUTBOX):
        done += drain_outbox(clock(), left)
    if apps.is_installed(EFFECTS):
        done += remove_old_markers(clock(), left)
    # A line every minute would only say that the sweeper runs.
    logger.log(logging.INFO if done else logging.DEBUG, "Swept: %s", dict(done) or "nothing was due")
    return dict(done)


def sweep_group(
    group: ShardGroup, clock: Callable[[], datetime], left: Callable[[], float]
) -> dict[str, int]:
    """Sweep a group of shards, and nothing else, until the next sweep may share out the same ones."""
    (options,) = (options for options in stacks() if options.stack == group.stack)

    def left_of_group() -> float:
        return min(left(), (group.at + GROUP_LIFE - clock()).total_seconds())

    sweeper = Sweeper(
        options=options, store=store_of(options), clock=clock, left=left_of_group, shards=group.shards
    )
    done = sweeper.run()
    # The alarm takes the longest of all that is printed in its minutes.
    if os.environ.get(ENV_STACK):
        print_longest_running(options.stack, sweeper.running, clock())
    logger.info("Swept group %d of %d: %s", group.number, group.groups, dict(done) or "nothing was due")
    return dict(done)


def drain_outbox(now: datetime, left: Callable[[], float]) -> Counter[str]:
    """Send what the outbox holds. An error of the database doesn't stop the sweep of records."""
    from ..outbox import drain as outbox

    try:
        return Counter(drained=outbox.drain(now, left))
    except Exception:
        logger.exception("The outbox could not be drained; the next sweep tries again")
        return Counter(failed=1)
