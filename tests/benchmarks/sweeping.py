"""
A sweep of deferred tasks over real sockets: by pages as the sweeper works, or one by one as it once did.

    python -m tests.benchmarks.sweeping pages 4000

sweeps so many records of the AWS that the environment names, and prints what that took. With "virtual", calls
take virtual time, and all tasks start in the same minute.
"""

import json
import logging
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import islice

import django

from tests.benchmarks.held import DEFERRED

WAYS = ("pages", "one by one")
VIRTUAL = "virtual"
SHARDS = 32
NEVER = 3_600.0
MINUTE = 60


def sweep_by_pages(count: int) -> int:
    """Sweep everything that is due, and return how many were sent."""
    from django_offload.conf import configured
    from django_offload.stores import store_of
    from django_offload.worker.sweeping import Sweeper

    options = configured()["default"]
    done = Sweeper(
        options=options, store=store_of(options), clock=lambda: datetime.now(UTC), left=lambda: NEVER
    ).run()
    return done["sent"]


def sweep_one_by_one(count: int) -> int:
    """Read, decide, write and send one record after the other, as releases up to 0.1.0 did."""
    from django_offload.conf import configured
    from django_offload.operations.due_entries import merged
    from django_offload.protocol.record import MESSAGE_LIFE, read_record
    from django_offload.sending.enqueue import message_text
    from django_offload.stores import store_of
    from django_offload.transports import transport_of
    from django_offload.worker.sweeping.decision import Situation, decide

    options = configured()["default"]
    store, transport = store_of(options), transport_of(options)
    now = datetime.now(UTC)
    sent = 0
    for entry in islice(merged(store, [DEFERRED], now), count):
        record = read_record(store.get(entry.id) or {})
        situation = Situation(
            now=now,
            options=options,
            longest_delay=transport.longest_delay,
            attempts_allowed=None,
            shards=store.shards(options),
        )
        plan = decide(record, situation)
        assert plan is not None
        assert plan.start is not None
        store.change(entry.id, plan.change)
        text = message_text(record.enqueued, options, plan.start + MESSAGE_LIFE)
        transport.send(record.enqueued.queue, text, max(plan.start - now, timedelta(0)))
        sent += 1
    return sent


def load() -> None:
    """Import what a sweep needs, as a function in Lambda does before its first sweep."""
    from django_offload.conf import configured
    from django_offload.operations import due_entries  # noqa: F401
    from django_offload.stores import store_of
    from django_offload.transports import transport_of
    from django_offload.worker import sweeping  # noqa: F401

    options = configured()["default"]
    store_of(options), transport_of(options)


def sweep_in_virtual_time(count: int) -> dict[str, float]:
    """
    Sweep each minute until so many tasks that start at one instant, and killed ones, are sent.

    A lease ends in each second of the first minute, because the sweeper looks for such tasks now and then:
    "rescue" is the longest time that one of them waited.
    """
    from tests.benchmarks.virtual_stack import START, virtual_stack

    start = START + timedelta(minutes=14)
    leases = [START + timedelta(seconds=second) for second in range(MINUTE)]
    with virtual_stack(SHARDS) as stack:
        for number in range(count):
            task = stack.task(number, enqueued_at=START - timedelta(hours=12), run_after=start)
            stack.fill(task)
        killed = [(stack.task(count + number, enqueued_at=START), end) for number, end in enumerate(leases)]
        for task, lease_until in killed:
            stack.kill(task, lease_until)
        busy, every = 0.0, count + len(killed)
        while len(stack.queue.sent) < every:
            began = stack.time.seconds
            stack.sweep()
            busy += stack.time.seconds - began
            if len(stack.queue.sent) < every:
                stack.next_minute()
    waited = []
    for task, lease_until in killed:
        (rescued_at,) = stack.queue.sent.pop(task.id)
        waited.append((rescued_at - lease_until).total_seconds())
    return {
        "rate": count / busy,
        "calls": sum(stack.time.calls.values()) / count,
        "rescue": max(waited),
        # How long before the start the last message was sent.
        "spare": (start - stack.time.clock()).total_seconds(),
        "early": sum(at < start for instants in stack.queue.sent.values() for at in instants),
        "twice": sum(len(instants) > 1 for instants in stack.queue.sent.values()),
    }


def main(way: str, count: int) -> None:
    django.setup()
    logging.disable(logging.CRITICAL)
    if way == VIRTUAL:
        print(json.dumps(sweep_in_virtual_time(count)))
        return
    sweep = sweep_by_pages if way == WAYS[0] else sweep_one_by_one
    load()
    cpu, wall = time.process_time(), time.perf_counter()
    sent = sweep(count)
    print(
        json.dumps(
            {
                "sent": sent,
                "wall": time.perf_counter() - wall,
                "cpu": time.process_time() - cpu,
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
