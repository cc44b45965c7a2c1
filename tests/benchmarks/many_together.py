"""
What staff and the sweeper do to many tasks, in virtual time: how many a second, and how many calls each?

    python -m tests.benchmarks.many_together 10000

redrives so many dead letters, cancels so many tasks, drains so many from the outbox, and prints what that
took. Its settings need the outbox: BENCHMARK_OUTBOX=1 DJANGO_SETTINGS_MODULE=tests.benchmarks.site.
"""

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import django
from django.core.management import call_command

from django_offload.protocol.enqueued_task import EnqueuedTask
from tests.benchmarks.virtual_time import START, VirtualStore, virtual_aws

SHARDS, PAGE, HOUR = 32, 100, timedelta(hours=1)

# Does something to all tasks, and returns how many those were.
type Action = Callable[[], int]


def enqueued_tasks(count: int, at: datetime = START - HOUR) -> list[EnqueuedTask]:
    """Return tasks, each enqueued a microsecond after the one before."""
    return [
        EnqueuedTask(
            id=f"{number:032x}",
            alias="default",
            name="tests.benchmarks.tasks.nothing",
            queue="default",
            arguments=f"[[{number}],{{}}]",
            enqueued_at=at + number * timedelta(microseconds=1),
        )
        for number in range(count)
    ]


def create_records(store: VirtualStore, tasks: Sequence[EnqueuedTask]) -> None:
    """Create the records of tasks, in no virtual time."""
    from django_offload.conf import configured
    from django_offload.protocol.record import initial_item

    shards = store.shards(configured()["default"])
    for enqueued in tasks:
        store.begin_create(initial_item(enqueued, shards))
    assert len(store.records) == len(tasks)
    store.time.calls.clear()


def create_dead_letters(store: VirtualStore, tasks: Sequence[EnqueuedTask]) -> None:
    """Create records that ended from outside within an hour, in no virtual time."""
    from django_offload.conf import configured
    from django_offload.exceptions import DeadLettered
    from django_offload.protocol.record import error_of
    from django_offload.protocol.transitions import abandon

    create_records(store, tasks)
    end: dict[str, Any] = {
        "result_ttl": HOUR,
        "error": error_of(DeadLettered("lost")),
        "shards": store.shards(configured()["default"]),
    }
    for number, enqueued in enumerate(tasks):
        store.begin_change(enqueued.id, abandon(now=enqueued.enqueued_at + number * HOUR / len(tasks), **end))
    store.time.calls.clear()


def redrive(store: VirtualStore, count: int) -> Action:
    from django_offload.operations.dead_letters import DeadLetterFilter, act_on_all

    create_dead_letters(store, enqueued_tasks(count))
    return lambda: sum(result.done for result in act_on_all("redrive", DeadLetterFilter(), store.time.clock))


def cancel(store: VirtualStore, count: int) -> Action:
    from django_offload.conf import configured
    from django_offload.operations.cancel import cancel_many

    tasks, options = enqueued_tasks(count), configured()["default"]
    create_records(store, tasks)

    def act() -> int:
        pages = batched([(enqueued, options) for enqueued in tasks], PAGE)
        records = [record for page in pages for record in cancel_many(store, page, store.time.clock())]
        return sum(getattr(record, "status", None) == "FAILED" for record in records)

    return act


def drain(store: VirtualStore, count: int) -> Action:
    from django_offload.outbox import drain as outbox

    call_command("migrate", "offload_outbox", verbosity=0)
    outbox.put_many(enqueued_tasks(count))
    return lambda: outbox.drain(START, lambda: 60.0)


ACTIONS: Mapping[str, Callable[[VirtualStore, int], Action]] = {
    "redrive": redrive,
    "drain": drain,
    "cancel": cancel,
}


def measured(count: int) -> dict[str, dict[str, float]]:
    """Return how many tasks a second each action does, and what calls and statements a task takes."""
    from django_offload.conf import configured

    found = {}
    for name, prepare in ACTIONS.items():
        with virtual_aws(configured()["default"]) as (store, _):
            act = prepare(store, count)
            store.time.calls.clear()
            store.time.seconds = 0.0
            done = act()
            if done != count:
                raise ArithmeticError(f"{name} did {done:,} of {count:,} tasks.")
            statements = store.time.calls.pop("statements", 0)
            found[name] = {
                "rate": count / store.time.seconds,
                "calls": store.time.calls.total() / count,
                "statements": statements / count,
            }
    return found


def main(count: int) -> None:
    from django.test import override_settings

    from tests.benchmarks.site import offload

    django.setup()
    logging.disable(logging.CRITICAL)
    with override_settings(TASKS={"default": offload(shards=SHARDS)}):
        print(json.dumps(measured(count)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
