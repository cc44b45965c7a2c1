"""Send probes through a deployed stage: to a worker and back, and through a dead-letter queue and back."""

import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ..aws import client, failures
from ..conf import Options
from ..definition.probe import RESULT_TTL, probe_task
from ..definition.results import return_value
from ..exceptions import DeadLettered, ResourceMissing, UnknownTask
from ..payloads import payloads_of
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import PART_BYTES, SUCCESSFUL, TaskRecord, read_record
from ..sending.enqueue import ensure_record, message_text, prototype_of
from ..stores import store_of
from .cancel import cancel
from .find import read_parts
from .redrive import discard, redrive
from .unverified_bodies import UNVERIFIED_PREFIX

logger = logging.getLogger("django_offload")

# How often a process asks whether a probe has ended.
ASK_EVERY_SECONDS = 0.25


class ProbeFailed(Exception):
    """A probe didn't come back as it should. Its text says what happened, in one sentence."""


class ProbeUnknown(ProbeFailed):
    """The deployed release is older than the probe, and doesn't know it."""


class ProbeRefused(ProbeFailed):
    """The deployed functions don't accept what this process signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTimes:
    """What one probe took, in seconds, and what the worker said about itself."""

    alias: str
    queue: str
    id: str
    through_bucket: bool  # Did the arguments and the result pass through the bucket?
    queue_delay: float  # From enqueue() to the claim, without the start of a process for it.
    cold_start: float | None  # From the start of the process to the task, if it was started for the probe.
    run: float  # From the claim to the end.
    end_to_end: float  # From enqueue() until this process saw the result.
    version: str | None
    memory: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentProbe:
    """A probe that is under way."""

    options: Options
    enqueued: EnqueuedTask
    filling: str
    began_at: float  # Of this process's monotonic clock.
    message_id: str = ""  # Of a dead letter, as SQS calls it.

    @property
    def record(self) -> TaskRecord | None:
        attributes = store_of(self.options).get(self.enqueued.id)
        return None if attributes is None else read_record(attributes)


def send_probe(options: Options, queue: str) -> SentProbe:
    """Enqueue a probe, with arguments for the bucket if the stack has one. Raise what enqueue() does."""
    filling = secrets.token_hex(PART_BYTES // 2) if payloads_of(options) is not None else ""
    began_at = time.monotonic()
    result = probe_task().using(backend=options.alias, queue_name=queue).enqueue(filling)
    enqueued = new_probe(options, queue, result.id)
    return SentProbe(options=options, enqueued=enqueued, filling=filling, began_at=began_at)


def new_probe(options: Options, queue: str, task_id: str | None = None) -> EnqueuedTask:
    """Return a probe as it is enqueued, without arguments."""
    prototype = prototype_of(probe_task().using(backend=options.alias, queue_name=queue), options, None)
    enqueued: EnqueuedTask = prototype(id=task_id or secrets.token_hex(16), arguments="[[],{}]")
    return enqueued


def wait_until(condition: Callable[[], Any], seconds: float) -> Any:
    """Return the first true value of `condition`, asked again and again, or the last false one."""
    ends_at = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < ends_at:
        time.sleep(ASK_EVERY_SECONDS)
    return value


def ended(probe: SentProbe) -> TaskRecord | None:
    record = probe.record
    return record if record is not None and record.ended else None


def wait_for_end(probe: SentProbe, seconds: float, otherwise: str) -> TaskRecord:
    """
    Return the record of a probe once it has ended.

    Raise ProbeFailed, which says `otherwise`, if it hasn't ended `seconds` after it was sent.
    """
    left = probe.began_at + seconds - time.monotonic()
    record: TaskRecord | None = wait_until(partial(ended, probe), left)
    if record is None:
        state = probe.record
        raise ProbeFailed(
            f"{otherwise} within {seconds:g} s. Its record is {state.status if state else 'not there'}."
        )
    return record


def measure(probe: SentProbe, seconds: float) -> ProbeTimes:
    """
    Wait for a probe, and return its times.

    Raise ProbeFailed if it hasn't ended `seconds` after it was sent, or if it failed or returned something
    else.
    """
    record = wait_for_end(probe, seconds, "No worker has answered")
    seen_at = time.monotonic()
    require_success(record)
    returned = return_value(record, read_parts(store_of(probe.options), record, probe.options))
    if not isinstance(returned, dict) or returned.get("filling") != probe.filling:
        raise ProbeFailed("The result isn't what was sent, so arguments or results change on the way.")
    enqueued_at = record.enqueued.enqueued_at
    claimed_at = record.attempted_at or enqueued_at
    finished_at = record.finished_at or claimed_at
    end_to_end = seen_at - probe.began_at
    age = returned.get("process_seconds")
    # Compared with times of this process's own clock, so that a wrong clock changes nothing.
    cold_start = age if age is not None and age < end_to_end else None
    return ProbeTimes(
        alias=probe.options.alias,
        queue=probe.enqueued.queue,
        id=probe.enqueued.id,
        through_bucket=bool(probe.filling),
        queue_delay=(claimed_at - enqueued_at).total_seconds() - (cold_start or 0.0),
        cold_start=cold_start,
        run=(finished_at - claimed_at).total_seconds(),
        end_to_end=end_to_end,
        version=returned.get("version"),
        memory=returned.get("memory"),
    )


def require_success(record: TaskRecord) -> None:
    """Raise ProbeFailed if a probe ended as FAILED, and ProbeUnknown if no worker knows it."""
    if record.status == SUCCESSFUL:
        return
    error = record.error or {}
    name = str(error.get("class", "")).rpartition(".")[2]
    if name == UnknownTask.__name__:
        raise ProbeUnknown("The deployed release doesn't know the probe, because it is older.")
    raise ProbeFailed(f"The probe failed with {name}: {error.get('message', '')}")


def begin_dead_letter(options: Options, queue: str) -> SentProbe:
    """Put a probe into a dead-letter queue. Raise ResourceMissing if there is no such queue."""
    enqueued = new_probe(options, queue)
    probe = SentProbe(options=options, enqueued=enqueued, filling="", began_at=time.monotonic())
    # The record is first, so that it can be ended if no function ever reads the message.
    ensure_record(store_of(options), enqueued, options)
    try:
        return replace(probe, message_id=send_dead_letter(options, enqueued))
    except BaseException:
        give_up(probe)
        raise


def redrive_dead_letter(probe: SentProbe, seconds: float) -> SentProbe:
    """
    Wait until the record of a probe says that it is a dead letter, and redrive it. Return it, sent again.

    Raise ProbeUnknown if the deployed release doesn't know the probe, ProbeRefused if it can't verify the
    message, and ProbeFailed if the record doesn't say so `seconds` after the probe was sent, or says
    something else.
    """
    store = store_of(probe.options)
    try:
        record = wait_for_end(probe, seconds, "The dead-letter function hasn't ended the record")
    except ProbeFailed:
        if remove_unverified(probe):
            raise ProbeRefused("The deployed functions can't verify the probe.") from None
        raise
    if cause_of(record) != DeadLettered.__name__:
        require_success(record)
        raise ProbeFailed(f"A dead letter ended as {record.status} instead of FAILED DeadLettered.")
    redriven = redrive(store, probe.enqueued.id, probe.options, datetime.now(UTC))
    if not redriven.done:
        raise ProbeFailed(f"The dead letter can't be redriven. {redriven.text}")
    return replace(probe, began_at=time.monotonic())


def dead_letter_ran(probe: SentProbe, seconds: float) -> SentProbe:
    """Wait until a redriven dead letter has run. Raise ProbeFailed if it hasn't after these seconds."""
    require_success(wait_for_end(probe, seconds, "The redriven dead letter hasn't run"))
    return probe


def cause_of(record: TaskRecord) -> str:
    return str((record.error or {}).get("class", "")).rpartition(".")[2]


def remove_unverified(probe: SentProbe) -> bool:
    """Return True if the dead-letter function kept the message because it can't verify it. Delete it then."""
    payloads = payloads_of(probe.options)
    if payloads is None or not probe.message_id:
        return False
    for stored in payloads.objects_under(f"{UNVERIFIED_PREFIX}{probe.enqueued.queue}/"):
        if stored.key.endswith(f"/{probe.message_id}"):
            with suppress(*failures()):  # Not everybody may delete there.
                payloads.delete(stored.key)
            return True
    return False


def send_dead_letter(options: Options, enqueued: EnqueuedTask) -> str:
    """
    Put the message of a probe into the dead-letter queue, as SQS does after too many receives.

    Return the message's id.
    """
    sqs, name = client("sqs"), options.dead_letter_queue(enqueued.queue)
    text = message_text(enqueued, options, enqueued.start_at + timedelta(seconds=RESULT_TTL))
    try:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return str(sqs.send_message(QueueUrl=url, MessageBody=text)["MessageId"])
    except sqs.exceptions.QueueDoesNotExist as exc:
        raise ResourceMissing(options.alias, "queue", name) from exc


def give_up(probe: SentProbe) -> None:
    """
    End a probe that hasn't ended, and take it from the list of dead letters. Log what AWS refuses.

    Its message, if there is one, then starts nothing: a worker or the dead-letter function acknowledges it.
    """
    store, task_id = store_of(probe.options), probe.enqueued.id
    try:
        ensure_record(store, probe.enqueued, probe.options)
        cancel(store, probe.enqueued, probe.options, datetime.now(UTC))
        discard(store, task_id)
        remove_unverified(probe)
    except Exception as exc:  # noqa: BLE001, the probe has failed already, and its failure is what counts
        logger.warning("Task id=%s name=%s can't be ended: %s", task_id, probe.enqueued.name, exc)
