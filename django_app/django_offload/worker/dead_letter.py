"""Dead letters: the record becomes the dead letter; a body that does not verify is kept apart."""

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from ..aws import within
from ..conf import Options, options_for, secrets
from ..definition.registry import registry
from ..definition.retry_policy import attempts_allowed
from ..exceptions import Cancelled, DeadLettered, MessageRefused, OffloadError, UnknownTask, WorkerLost
from ..operations.fail import fail_record
from ..operations.unverified_bodies import UNVERIFIED_PREFIX
from ..payloads import payloads_of
from ..protocol.conditional_write import Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.message import Keyring, TaskMessage, decode
from ..protocol.record import MESSAGE_LIFE, READY, TaskRecord, read_record
from ..protocol.transitions import look_at
from ..sending.enqueue import ensure_record
from ..stores import store_of
from .events import LambdaContext, RoutedDelivery, batch, invocation_of, utc_now

logger = logging.getLogger("django_offload")


def handler(event: Any, context: LambdaContext, clock: Callable[[], datetime] = utc_now) -> dict[str, Any]:
    """
    Fail the record of each dead letter, and acknowledge it.

    Return the partial batch response. Raise UnknownEvent for anything but a batch of one of our
    dead-letter queues.
    """
    failures = []
    for arrival in batch(event, "dead-letter", dead=True):
        try:
            with within(invocation_of(context).left):
                _bury(arrival, clock())
        except Exception:
            logger.exception(
                "Dead letter id=%s queue=%s comes again", arrival.delivery.id, arrival.delivery.queue
            )
            failures.append({"itemIdentifier": arrival.delivery.id})
    return {"batchItemFailures": failures}


def _bury(arrival: RoutedDelivery, now: datetime) -> None:
    delivery, options = arrival.delivery, arrival.options
    try:
        message = decode(delivery.body, Keyring(secrets(), options.scope(delivery.queue)))
    except MessageRefused as exc:
        _keep(arrival, now, exc)
        return
    enqueued, store = message.enqueued, store_of(options)
    options = options_for(enqueued.alias, options)
    if message.expires_at > now:
        ensure_record(store, enqueued, options)  # Where every write so far failed, this is the first.
    attributes = store.get(enqueued.id)
    if attributes is None:
        return
    record = read_record(attributes)
    if _goes_on(record, message, options, now):
        if not record.ended and record.due_at is None:
            # Made by a claim, without a record at enqueue: so far its message alone would bring it again.
            store.change(enqueued.id, look_at(record, due_at=record.lease_until or now))
        logger.warning(
            "Task id=%s name=%s has a dead letter, and goes on without it", enqueued.id, enqueued.name
        )
        return
    with suppress(Refused):  # Claimed or sent again since it was read: it goes on.
        fail_record(store, enqueued, options, now, _cause(enqueued, record), record)


def _goes_on(record: TaskRecord, message: TaskMessage, options: Options, now: datetime) -> bool:
    """Tell whether a record has more to come than this message: its dead letter then ends nothing."""
    sent_at = message.expires_at - MESSAGE_LIFE
    if record.ended or record.not_before > now or (record.sent_at is not None and record.sent_at > sent_at):
        return True
    if record.status != READY and not record.lost(now):
        return True
    # Retries use up the deliveries of a message; the sweeper sends another for those that are left.
    allowed = attempts_allowed(record.enqueued, options)
    return allowed is not None and 0 < record.attempts < allowed


def _cause(enqueued: EnqueuedTask, record: TaskRecord) -> OffloadError:
    if record.status != READY:
        return Cancelled() if record.cancelled else WorkerLost(record.attempts)
    try:
        registry().resolve(enqueued.name)
    except UnknownTask as exc:
        return exc
    return DeadLettered("every delivery of its message failed")


def _keep(arrival: RoutedDelivery, now: datetime, reason: MessageRefused) -> None:
    """Keep a body that touches no record under dead/ in the bucket, where somebody can look at it."""
    delivery = arrival.delivery
    payloads = payloads_of(arrival.options)
    if payloads is None:
        raise RuntimeError(
            f"There is no bucket (OPTIONS['bucket'] is None) to keep a dead letter in: {reason}"
        )
    key = f"{UNVERIFIED_PREFIX}{delivery.queue}/{now:%Y-%m-%d}/{delivery.id}"
    payloads.put(key, str(delivery.body).encode("utf-8", "backslashreplace"))
    logger.warning("Dead letter id=%s queue=%s kept as %s: %s", delivery.id, delivery.queue, key, reason)
