"""Dead letters: fail the record of each; keep a body that doesn't verify where somebody can look at it."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from ..aws import within
from ..conf import Options, options_for, signing_keys
from ..definition.registry import registry
from ..definition.retry_policy import attempts_allowed
from ..exceptions import (
    Cancelled,
    DeadLettered,
    MessageRefused,
    OffloadError,
    UnknownTask,
    UnreadableRecord,
    WorkerLost,
)
from ..operations.fail import fail_record
from ..operations.unverified_bodies import UNVERIFIED_PREFIX
from ..payloads import payloads_of
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.message import Keyring, TaskMessage, decode
from ..protocol.record import FAILED, MESSAGE_LIFE, READY, SUCCESSFUL, TaskRecord, read_record
from ..protocol.transitions import look_at, set_aside
from ..sending.enqueue import ensure_record
from ..stores import Store, store_of
from .events import (
    LambdaContext,
    RoutedDelivery,
    batch,
    invocation_of,
    log_exception,
    mask_of_body,
    utc_now,
)

logger = logging.getLogger("django_offload")


def handler(event: Any, context: LambdaContext, clock: Callable[[], datetime] = utc_now) -> dict[str, Any]:
    """
    Fail the record of each dead letter, and acknowledge it.

    Return the partial batch response. Raise UnknownEvent if the event isn't a batch of one of the stack's
    dead-letter queues.
    """
    failures = []
    for routed in batch(event, context, "dead-letter", dead=True):
        try:
            with within(invocation_of(context).left):
                end_dead_letter(routed, clock())
        except Exception as exc:  # noqa: BLE001, one dead letter must not keep the others
            delivery = routed.delivery
            text, mask = "Dead letter id=%s queue=%s comes again", mask_of_body(delivery.body)
            log_exception(exc, mask, text, delivery.id, delivery.queue)
            failures.append({"itemIdentifier": delivery.id})
    return {"batchItemFailures": failures}


def end_dead_letter(routed: RoutedDelivery, now: datetime) -> None:
    """Fail the record of a dead letter, unless it has more to come."""
    delivery, options = routed.delivery, routed.options
    try:
        message = decode(delivery.body, Keyring(signing_keys(), options.scope(delivery.queue)))
    except MessageRefused as exc:
        keep_unverified(routed, now, exc)
        return
    enqueued, store = message.enqueued, store_of(options)
    options = options_for(enqueued.alias, options)
    if message.expires_at > now:
        ensure_record(store, enqueued, options)  # The first write, if every write so far has failed.
    attributes = store.get(enqueued.id)
    if attributes is None:
        text = "Task id=%s name=%s has an expired dead letter and no record: it ends without a trace"
        logger.warning(text, enqueued.id, enqueued.name)
        return
    try:
        record = read_record(attributes)
    except UnreadableRecord as exc:
        leave_to_sweeper(store, enqueued, attributes, now, exc, store.shards(options))
        return
    if goes_on(record, message, options, now):
        if not record.ended and record.due_at is None:
            # So far, its message alone would bring it back: see look_at().
            due_at, shards = record.lease_until or now, store.shards(options)
            store.change(enqueued.id, look_at(enqueued.id, due_at=due_at, seen=record, shards=shards))
        logger.warning(
            "Task id=%s name=%s has a dead letter, and goes on without it", enqueued.id, enqueued.name
        )
        return
    with suppress(Refused):  # Claimed or sent again since it was read: it goes on.
        fail_record(store, enqueued, options, now, cause_of_end(record), record)


def leave_to_sweeper(
    store: Store,
    enqueued: EnqueuedTask,
    attributes: Attributes,
    now: datetime,
    reason: UnreadableRecord,
    shards: int,
) -> None:
    """
    Have the sweeper look at a record that can't be read, so that its task needs no message.

    Raise `reason` if the record doesn't even say whether the task has ended: its dead letter comes again.
    """
    logger.error("Task id=%s name=%s has a dead letter: %s", enqueued.id, enqueued.name, reason)
    if attributes.get("status") in (SUCCESSFUL, FAILED):  # A set takes no list, which another writer may put.
        return
    try:
        change = set_aside(enqueued.id, attributes, now=now, due_at=now, shards=shards)
        store.change(enqueued.id, change)
    except Refused:
        raise reason from None


def goes_on(record: TaskRecord, message: TaskMessage, options: Options, now: datetime) -> bool:
    """Return True if a record has more to come than this message, so that its dead letter ends nothing."""
    sent_at = message.expires_at - MESSAGE_LIFE
    if record.ended or record.not_before > now or (record.sent_at is not None and record.sent_at > sent_at):
        return True
    if record.status != READY and not record.lost(now):
        return True
    # Retries use up the deliveries of a message; the sweeper sends another for the attempts that are left.
    allowed = attempts_allowed(record.enqueued, options)
    return allowed is not None and 0 < record.attempts < allowed


def cause_of_end(record: TaskRecord) -> OffloadError:
    if record.status != READY:
        return Cancelled() if record.cancelled else WorkerLost(record.attempts)
    try:
        registry().resolve(record.enqueued.name)
    except UnknownTask as exc:
        return exc
    return DeadLettered("every delivery of its message failed")


def keep_unverified(routed: RoutedDelivery, now: datetime, reason: MessageRefused) -> None:
    """Keep a body that touches no record under dead/ in the bucket. Raise RuntimeError without a bucket."""
    delivery = routed.delivery
    payloads = payloads_of(routed.options)
    if payloads is None:
        raise RuntimeError(
            f"There is no bucket (OPTIONS['bucket'] is None) to keep a dead letter in: {reason}"
        )
    key = f"{UNVERIFIED_PREFIX}{delivery.queue}/{now:%Y-%m-%d}/{delivery.id}"
    payloads.put(key, str(delivery.body).encode("utf-8", "backslashreplace"))
    logger.warning("Dead letter id=%s queue=%s kept as %s: %s", delivery.id, delivery.queue, key, reason)
