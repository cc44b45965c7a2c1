"""Puts tasks into the outbox, and sends those that are left there."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import DEFAULT_DB_ALIAS, Error, connections, transaction
from django.db.models import Q
from django.db.models.functions import Length

from ..aws import within
from ..compat import task_backends
from ..conf import ENV_STACK, Options, configured, stacks
from ..definition.registry import registry
from ..definition.results import in_django_time, task_of
from ..exceptions import LocalAWSMissing, PayloadLost, ResourceMissing, UnknownVersion
from ..payloads import fetch
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import load
from ..sending.enqueue import Outcome, announce_enqueued, enqueued_result, is_deferred, send_many
from ..sending.failures import masked_text
from ..sending.outbox_row import pack, unpack
from ..transports import transport_of
from .models import OutboxEntry

logger = logging.getLogger("django_offload")

# The database for whose transactions enqueue() waits.
DATABASE = DEFAULT_DB_ALIAS
# The process that enqueued a task still sends it during this time.
FRESH = timedelta(seconds=30)
# Tasks that are sent together, and the bytes of their rows. Large arguments need no more memory than many.
PAGE, PAGE_BYTES = 100, 4 * 2**20

# Where an entry is in the order of the outbox: when it was created, and its id.
type Place = tuple[datetime, str]
# A task that needs its row no longer, and True if another task does its work, so that it wasn't enqueued.
type Sent = tuple[EnqueuedTask, bool]


def put_many(enqueued_tasks: Sequence[EnqueuedTask]) -> None:
    """Add tasks to the outbox by one query, as part of the open transaction."""
    OutboxEntry.objects.using(DATABASE).bulk_create(
        OutboxEntry(
            id=enqueued.id,
            alias=enqueued.alias,
            birth=pack(enqueued),
            created_at=in_django_time(enqueued.enqueued_at),
        )
        for enqueued in enqueued_tasks
    )


def forget_many(enqueued_tasks: Sequence[EnqueuedTask]) -> None:
    """Delete tasks that were sent. If that fails, each is sent once more, and is still the same task."""
    try:
        delete(*(enqueued.id for enqueued in enqueued_tasks))
    except Error as exc:  # Also of a connection that is closed.
        for enqueued in enqueued_tasks:
            reason = masked_text(exc, enqueued)
            logger.warning("Task id=%s was sent, and stays in the outbox: %s", enqueued.id, reason)


def delete(*task_ids: str) -> None:
    OutboxEntry.objects.using(DATABASE).filter(id__in=task_ids).delete()


def drain(now: datetime, left: Callable[[], float], *, fresh: timedelta = FRESH) -> int:
    """
    Send the tasks of processes that died, the oldest first, and return how many were sent.

    Several processes can drain at once. If the database can lock rows, each process locks a page of rows
    while it sends the tasks, and the others skip those rows. A row is deleted only after its task was sent; a
    task that is sent twice is still one task. A task that can't be sent stays in the outbox. In AWS the
    sweeper of a stack has the rights to that stack alone, and leaves the rows of other stacks to theirs.
    """
    count, last = 0, None
    # Without row locks, an open transaction would only block others.
    can_lock = connections[DATABASE].features.has_select_for_update
    while left() > 1:
        with transaction.atomic(using=DATABASE) if can_lock else nullcontext():
            places = next_page(last, in_django_time(now - fresh))
            if not places:
                break
            last = places[-1]
            sent = send_entries(locked_entries(places), left)
        count += len(sent)
        # After the transaction, because a query of a receiver that fails would keep the rows.
        for enqueued, is_duplicate in sent:
            if not is_duplicate:
                announce_sent(enqueued)
    return count


def next_page(last: Place | None, until: datetime) -> list[Place]:
    """
    Return the places of the oldest entries after `last`, without their texts.

    Together they have at most PAGE_BYTES, unless the first one has more.
    """
    entries = OutboxEntry.objects.using(DATABASE).filter(created_at__lte=until).order_by("created_at", "id")
    own_stack = os.environ.get(ENV_STACK)
    if own_stack is not None:
        others = [alias for alias, options in configured().items() if options.stack != own_stack]
        entries = entries.exclude(alias__in=others)
    if last is not None:
        created_at, task_id = last
        entries = entries.filter(Q(created_at__gt=created_at) | Q(created_at=created_at, id__gt=task_id))
    places: list[Place] = []
    size = 0
    for created_at, task_id, length in entries.values_list("created_at", "id", Length("birth"))[:PAGE]:
        size += length
        if places and size > PAGE_BYTES:
            break
        places.append((created_at, task_id))
    return places


def locked_entries(places: Sequence[Place]) -> list[OutboxEntry]:
    """Return the entries at these places, locked if the database can lock rows."""
    features = connections[DATABASE].features
    ids = [task_id for _, task_id in places]
    entries = OutboxEntry.objects.using(DATABASE).filter(id__in=ids).order_by("created_at", "id")
    if features.has_select_for_update:
        entries = entries.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
    return list(entries)


def send_entries(entries: Sequence[OutboxEntry], left: Callable[[], float]) -> list[Sent]:
    """Send the tasks of entries, and delete the entries of those that were sent. Return these tasks."""
    sent: list[Sent] = []
    with within(left):
        for group, options in groups(entries):
            if left() > 1:
                sent += send_group(group, options)
    if sent:
        forget_many([enqueued for enqueued, _ in sent])
    return sent


def groups(entries: Sequence[OutboxEntry]) -> Iterator[tuple[list[EnqueuedTask], Options]]:
    """Yield the tasks that send_many() can send together, and the options to send them with."""
    now = datetime.now(UTC)
    together: dict[tuple[str, str, bool], tuple[list[EnqueuedTask], Options]] = {}
    for entry in entries:
        readable = read_entry(entry)
        if readable is not None:
            enqueued, options = replace(readable[0], enqueued_at=now), readable[1]
            deferred = is_deferred(enqueued, transport_of(options))
            group = together.setdefault((options.alias, enqueued.queue, deferred), ([], options))
            group[0].append(enqueued)
    yield from together.values()


def read_entry(entry: OutboxEntry) -> tuple[EnqueuedTask, Options] | None:
    """Return the task of an entry, and the options to send it with. Return None, and log why, if it stays."""
    options = configured().get(entry.alias)
    if options is None:
        logger.error("Task id=%s stays in the outbox: TASKS has no '%s' any more", entry.id, entry.alias)
        return None
    try:
        enqueued = unpack(entry.birth)
        if (enqueued.id, enqueued.alias) != (entry.id, entry.alias):
            raise ValueError("the row has the task of another one")
    except Exception as exc:  # noqa: BLE001, whatever a row that somebody changed makes of it
        log_kept(entry.id, exc, row_problem(exc))
        return None
    try:
        return enqueued, options_of(enqueued, options)
    except Exception as exc:  # noqa: BLE001, a task that can't be sent must not stop the others
        log_kept(entry.id, exc, reason_of(exc, enqueued))
        return None


def send_group(enqueued_tasks: Sequence[EnqueuedTask], options: Options) -> list[Sent]:
    """Send tasks together, and return those that were sent. Log why each other one stays."""
    outcomes: Sequence[Outcome | Exception]
    try:
        outcomes = send_many(enqueued_tasks, options, ids_are_known=True)
    except (ResourceMissing, LocalAWSMissing) as exc:  # The same for all of them.
        outcomes = [exc] * len(enqueued_tasks)
    except Exception as exc:  # noqa: BLE001, one of them may be the reason
        if len(enqueued_tasks) > 1:
            return [sent for one in enqueued_tasks for sent in send_group([one], options)]
        outcomes = [exc]
    sent = []
    for enqueued, outcome in zip(enqueued_tasks, outcomes, strict=True):
        if isinstance(outcome, Exception):
            log_kept(enqueued.id, outcome, reason_of(outcome, enqueued))
        else:
            sent.append((enqueued, outcome is not None))
    return sent


def log_kept(task_id: str, exc: Exception, reason: str) -> None:
    logger.error("Task id=%s stays in the outbox: %s: %s", task_id, type(exc).__name__, reason)


def reason_of(exc: Exception, enqueued: EnqueuedTask) -> str:
    """Return the text of an exception without sensitive arguments, or its class if they can't be known."""
    try:
        return masked_text(exc, enqueued)
    except Exception:  # noqa: BLE001, the project's task modules can't be imported
        return type(exc).__name__


def options_of(enqueued: EnqueuedTask, options: Options) -> Options:
    """
    Return the options to send a task with: those of its alias, or of the stack that has its large arguments.

    Rows of 0.1.0 refer to arguments in a bucket, and their alias may belong to another stack now. Raise
    PayloadLost if no bucket that this process may read has them, and ResourceMissing if TASKS has no queue
    for the task.
    """
    if enqueued.reference is None:
        if enqueued.queue not in options.queues:
            raise ResourceMissing(options.alias, "queue", options.queue(enqueued.queue))
        return options
    for candidate in (options, *stacks()):
        if enqueued.queue in candidate.queues:
            with suppress(PayloadLost):
                fetch(enqueued.reference, candidate)
                return candidate
    raise PayloadLost(enqueued.reference.key, "in no bucket that this process may read")


def row_problem(exc: Exception) -> str:
    """Return why a row can't be read. Other errors than our own may quote the task's arguments."""
    if isinstance(exc, UnknownVersion):
        return str(exc)
    return f"its row can't be read. Correct its 'birth', or delete it from {OutboxEntry._meta.db_table}"


def announce_sent(enqueued: EnqueuedTask) -> None:
    """Send task_enqueued for a task whose process died before it could. Log a task that isn't known here."""
    try:
        options = options_of(enqueued, configured()[enqueued.alias])
        task = task_of(enqueued, registry().resolve(enqueued.name))
        if enqueued.reference is not None:
            enqueued = replace(enqueued, arguments=fetch(enqueued.reference, options))
        result = enqueued_result(task, enqueued, *load(enqueued.arguments))
        sender = type(task_backends[enqueued.alias])
    except Exception as exc:  # noqa: BLE001, the task is sent, and AWS, TASKS or the task's module may be gone
        text = "Task id=%s was sent from the outbox without task_enqueued: %s"
        logger.warning(text, enqueued.id, reason_of(exc, enqueued))
    else:
        announce_enqueued(sender, result, enqueued.enqueued_at)
