"""Records in every state, created by the transitions themselves, at fixed times."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django_offload.protocol.conditional_write import Attributes, ConditionalWrite, absent
from django_offload.protocol.enqueued_task import EnqueuedTask
from django_offload.protocol.record import initial_item, read_record
from django_offload.protocol.transitions import (
    abandon,
    ask_to_stop,
    claim,
    fail,
    release,
    send_again,
    succeed,
    unclaim,
)
from django_offload.stores import Store

NOW = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
LEASE = timedelta(minutes=5)
# When the sweeper sent a record again, and when it is due since then.
SENT, AGAIN = NOW - timedelta(seconds=30), NOW + timedelta(minutes=10)
TTL = timedelta(days=14)
ERROR = {"class": "builtins.ValueError", "message": "The stock is negative"}
TOKEN = "0123456789abcdef"


def enqueued_task(task_id: str, **changes: Any) -> EnqueuedTask:
    """Return a task that was enqueued a minute before NOW."""
    enqueued = EnqueuedTask(
        id=task_id,
        alias="default",
        name="tests.contract.tasks.add",
        queue="default",
        arguments='[[1],{"second":2}]',
        enqueued_at=NOW - timedelta(minutes=1),
    )
    return replace(enqueued, **changes)


def create_record(store: Store, enqueued: EnqueuedTask) -> bool:
    """Create a READY record. Return False, with nothing changed, if it is there already."""
    return store.begin_create(initial_item(enqueued))()


def claimed(
    task_id: str, at: datetime = NOW, *, enqueued: EnqueuedTask | None = None, **changes: Any
) -> ConditionalWrite:
    """Return a claim with the token TOKEN and a lease of five minutes."""
    return replace(
        claim(
            enqueued or enqueued_task(task_id),
            token=TOKEN,
            worker_id="worker-1",
            now=at,
            lease_until=at + LEASE,
            max_attempts=3,
        ),
        **changes,
    )


def after(*changes: ConditionalWrite) -> Attributes | None:
    """Return the record after these changes, each of which must be allowed."""
    attributes: Attributes | None = None
    for change in changes:
        assert change.allowed(attributes), change.name
        attributes = change.apply(attributes)
    return attributes


def sent_again(task_id: str, attributes: Attributes) -> Attributes:
    """Return a record after the sweeper has sent its task again."""
    due_was = read_record(attributes).due_at
    assert due_was is not None
    return send_again(task_id, due_was=due_was, due_at=AGAIN, now=SENT, counts=True).apply(attributes)


def states(task_id: str) -> dict[str, Attributes | None]:
    """Return a record in each state of the protocol, as of NOW; None means no record."""
    enqueued, long_ago = enqueued_task(task_id), NOW - timedelta(hours=1)
    ready = initial_item(enqueued)
    old = {**initial_item(enqueued_task(task_id, enqueued_at=long_ago))}
    live = claimed(task_id).apply(ready)
    expired = claimed(task_id, long_ago).apply(old)
    used_up = expired
    for _ in range(2):
        used_up = claimed(task_id, long_ago).apply(used_up)
    released = release(
        task_id,
        fence=1,
        token=TOKEN,
        not_before=NOW + timedelta(seconds=30),
        due_at=NOW + timedelta(minutes=5),
        error=ERROR,
        part="error#0001",
    ).apply(live)
    end = {"fence": 1, "token": TOKEN, "now": NOW, "result_ttl": TTL}
    return {
        "absent": None,
        "ready": ready,
        "ready, not yet": initial_item(enqueued_task(task_id, run_after=NOW + timedelta(minutes=1))),
        "ready, waiting for its retry": released,
        "running": live,
        "running, asked to stop": ask_to_stop().apply(live),
        "lost": expired,
        "lost, asked to stop": ask_to_stop().apply(expired),
        "lost, attempts used up": used_up,
        "successful": succeed(**end, stored={"result": "42"}).apply(live),
        "failed": fail(**end, error=ERROR, part="error#0001").apply(live),
        "failed from outside": abandon(now=NOW, result_ttl=TTL, error=ERROR).apply(ready),
    }


def sent_and_unswept(task_id: str) -> dict[str, Attributes]:
    """Return records that the sweeper has sent again, and some that are in no index."""
    found = states(task_id)
    ready, running, lost = (found[state] or {} for state in ("ready", "running", "lost"))
    return {
        "ready, sent again": sent_again(task_id, ready),
        "lost, sent again": sent_again(task_id, lost),
        "running, in no index": unindexed(running),
        "ready, in no index": unindexed(unclaim(fence=1, token=TOKEN, workers=[]).apply(running)),
    }


def unindexed(attributes: Attributes) -> Attributes:
    """Return a record as a claim without a record at enqueue makes it."""
    return {name: value for name, value in attributes.items() if name not in {"due_at", "due_shard"}}


def storing(attributes: Attributes) -> ConditionalWrite:
    """Return a change that stores this record."""
    return ConditionalWrite(name="given", conditions=((absent("id"),),), set_if_absent=attributes)


def new_id(shard: int | None = None) -> str:
    """Return a new id, in this shard of the sweeper's index if there is one."""
    task_id = secrets.token_hex(16)
    return task_id if shard is None else f"{task_id[:-1]}{shard:x}"
