"""
What a call enqueues, and its way into AWS: a record and a message, under way together.

    build ──▶ large arguments to the bucket ──▶ arguments beside the record ──▶ record ──┐  either of the two
                                                                           └─▶ message ──┘  keeps the task

One task is the case of many tasks with one element.
"""

import logging
import secrets as randomness
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings

from ..aws import at_most, begin_together, made_together
from ..compat import SIGNALS, InvalidTask, TaskResultStatus
from ..conf import Options, signing_keys
from ..definition.context import current_context, trace
from ..definition.offload_task import AnyResult, AnyTask, changed_options
from ..definition.registry import name_of, registry
from ..definition.results import OffloadResult, in_django_time
from ..definition.signatures import call_form, mismatch
from ..exceptions import EnqueueFailed, InvalidArguments, LocalAWSMissing, PayloadTooLarge
from ..payloads import payloads_of
from ..protocol.conditional_write import Attributes
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.json_codec import dump, has_long_number, is_too_deep, load, may_lack_items
from ..protocol.message import MAX_DEPTH, Keyring, TaskMessage, encode
from ..protocol.record import (
    MESSAGE_LIFE,
    PART_BYTES,
    PAYLOAD_LIFE,
    RECORD_LIFE,
    initial_item,
)
from ..stores import Store, store_of
from ..stores.arguments import arguments_part, keep_arguments
from ..transports import Transport, transport_of
from .failures import enqueue_failed, masked_text

if TYPE_CHECKING:
    from ..keys.unique import Holder

logger = logging.getLogger("django_offload")

# A request waits for AWS at most this long, because gateways and servers give it half a minute in all …
SEND_SECONDS = 8.0
# … for the name of a queue, which a process asks for once …
LOOK_SECONDS = 2.0
# … and for a connection to it. A record whose message is stuck there needs the rest of the time.
BEGIN_SECONDS = 4.0

NO_DELAY = timedelta(0)

# Makes tasks that differ in their ids and arguments; dataclasses.replace() takes three times as long.
type Prototype = partial[EnqueuedTask]
# Why tasks, by their ids, were not sent, or why one half of a send failed.
type Failures = dict[str, Exception]
# What send_many() says of a task: None if it was accepted.
type Outcome = "EnqueueFailed | Holder | None"


def prototype_of(task: AnyTask, options: Options, owner: str | None) -> Prototype:
    """
    Return what the tasks that one call enqueues have in common. A task's children inherit its owner.

    Raise InvalidTask if no worker would know the task, if it's at the end of a runaway chain, or if nothing
    could wait for its `run_after`.
    """
    defined = registry().defined(task)
    name = name_of(task)
    context = current_context.get()
    depth = context.depth + 1 if context else 0
    if depth > MAX_DEPTH:
        raise InvalidTask(
            f"Task {name} is at the end of a chain of {MAX_DEPTH:,} tasks, each enqueued by the one "
            "before it. End the chain, or start a new one from outside a task."
        )
    now, run_after = datetime.now(UTC), task.run_after
    if run_after is not None:
        from .start_time import start_time  # Imported here, because most tasks start at once.

        run_after = start_time(run_after, name, options, now)
    tenant = None
    if options.tenant or getattr(task, "tenant", None) or (context and context.tenant):
        from ..definition.tenant import tenant_of  # Imported here, because most tasks have no tenant.

        tenant = tenant_of(task, options, owner, context)
    return partial(
        EnqueuedTask,
        alias=options.alias,
        name=name,
        queue=task.queue_name,
        enqueued_at=now,
        run_after=run_after,
        owner=context.owner_of_children if owner is None and context else owner,
        depth=depth,
        traceparent=context.traceparent if context else trace.get(),
        tenant=tenant,
        root=context.budget.root if context and context.budget else None,
        options={} if task is defined else changed_options(task, defined),
    )


def build(
    task: AnyTask, prototype: Prototype, args: Any, kwargs: Any, options: Options, task_id: str | None = None
) -> EnqueuedTask:
    """
    Return a task with arguments and an id of its own, 128 random bits where none is given.

    Raise InvalidArguments if the function doesn't take the arguments, or if JSON or the stack can't carry
    them, and InvalidTask if they would be gone before the task starts. Whether JSON gives them back as they
    are, enqueued_result() finds out.
    """
    reason = mismatch(task.func, task.takes_context, len(args), tuple(kwargs))
    if reason is not None:
        raise InvalidArguments(name_of(task), reason, f"Call {task.func.__name__}.enqueue{call_form(task)}.")
    try:
        arguments = dump([args, kwargs])
        is_plain = not (
            may_lack_items([args, kwargs], arguments) or is_too_deep(arguments) or has_long_number(arguments)
        )
    except (TypeError, ValueError, RecursionError):
        is_plain = False
    if not is_plain:
        from ..definition.arguments import plain_arguments  # Because the arguments of most tasks are plain.

        arguments = dump(plain_arguments(task, args, kwargs))
    enqueued: EnqueuedTask = prototype(id=task_id or randomness.token_hex(16), arguments=arguments)
    if getattr(task, "unique", None):
        from ..definition.unique import with_key  # Imported here, because few tasks are unique.

        enqueued = with_key(enqueued, task, options)
    if len(arguments) > PART_BYTES:
        if payloads_of(options) is None:
            raise PayloadTooLarge(enqueued.name, len(arguments), PART_BYTES)
        if enqueued.start_at - enqueued.enqueued_at > PAYLOAD_LIFE - RECORD_LIFE:
            raise InvalidTask(
                f"run_after of task {enqueued.name} is too far away for arguments of {len(arguments):,} "
                f"bytes, which are kept for {PAYLOAD_LIFE.days} days only. Give a time within "
                f"{(PAYLOAD_LIFE - RECORD_LIFE).days} days, or smaller arguments."
            )
    return enqueued


def enqueued_result(task: AnyTask, enqueued: EnqueuedTask, args: Any, kwargs: Any) -> AnyResult:
    """
    Return the result of a task that is about to be sent: READY, and without an `enqueued_at` yet.

    Raise InvalidArguments if a worker reads other arguments, of which JSON made others, or if Django can't
    follow how deeply they are nested.
    """
    result: OffloadResult | None = None
    try:
        result = OffloadResult(
            task=task,
            id=enqueued.id,
            status=TaskResultStatus.READY,
            enqueued_at=None,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=enqueued.alias,
            errors=[],
            worker_ids=[],
        )
        if load(enqueued.arguments) == [result.args, result.kwargs]:
            return result
    except RecursionError:
        pass
    from ..definition.arguments import unreadable_arguments

    raise unreadable_arguments(task, args, kwargs, result, enqueued.arguments)


def announce_enqueued(sender: type, result: AnyResult, enqueued_at: datetime) -> None:
    """Set the `enqueued_at` of a result, and send the signal task_enqueued, except for a probe."""
    if not settings.USE_TZ:
        enqueued_at = in_django_time(enqueued_at)
    object.__setattr__(result, "enqueued_at", enqueued_at)
    if getattr(result.task, "is_silent", False):
        return
    # With send_robust(), Django logs what a receiver raises. The task runs, so its enqueue() has to return.
    for name in SIGNALS:
        if (module := sys.modules.get(name)) is not None:
            module.task_enqueued.send_robust(sender, task_result=result)


def send(enqueued: EnqueuedTask, options: Options) -> "Holder | None":
    """Do what send_many() does for one task, and raise its failure."""
    (outcome,) = send_many([enqueued], options)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def send_many(
    enqueued_tasks: Sequence[EnqueuedTask], options: Options, *, ids_are_known: bool = False
) -> Sequence[Outcome]:
    """
    Write the records and send the messages of tasks of one queue.

    Either all of them start later than a message can wait (see is_deferred()), or none does.

    One of the two is enough, because the sweeper repairs the other. There are exceptions. The record must be
    accepted if no message can wait until the start, or if Lambda soon gives the message up. The message must
    be accepted if the first claim makes the record. If the queue's index has only tasks in trouble, a record
    without a message must be put there too.

    Return None for each task that was accepted, an EnqueueFailed with its cause for each that wasn't, and for
    each that wasn't sent because another has its unique key, the Holder of the key. If somebody has the ids
    already (`ids_are_known`), the record of such a duplicate leads to the holder. The call takes some seconds
    at most, and may be repeated for the same tasks. Raise ResourceMissing, with nothing sent, if AWS says
    that the queue doesn't exist, and LocalAWSMissing if this process may not call AWS.
    """
    for enqueued in enqueued_tasks:
        if enqueued.unique is not None:
            from .unique import send_unique  # Imported here, because few tasks are unique.

            return send_unique(enqueued_tasks, options, ids_are_known=ids_are_known)
    return send_all(enqueued_tasks, options)


def prepare(queue: str, options: Options) -> Transport:
    """Find a queue, and return its transport. Raise ResourceMissing if AWS says that there is none."""
    transport = transport_of(options)
    if not transport.is_prepared(queue):
        with at_most(LOOK_SECONDS):
            transport.prepare(queue)
    return transport


def send_all(enqueued_tasks: Sequence[EnqueuedTask], options: Options) -> list[EnqueueFailed | None]:
    """Do what send_many() does, for tasks that have their unique keys or have none."""
    ready: list[EnqueuedTask] = []
    causes: Failures = {}
    with at_most(SEND_SECONDS):
        transport = prepare(enqueued_tasks[0].queue, options)
        for enqueued in enqueued_tasks:
            try:
                ready.append(upload_large_arguments(enqueued, options))
            except Exception as exc:  # noqa: BLE001, whatever a seam raises
                causes[enqueued.id] = exc
        if ready:
            causes |= send_records_and_messages(ready, options, transport)
    return [
        None if (cause := causes.get(enqueued.id)) is None else enqueue_failed(enqueued, cause)
        for enqueued in enqueued_tasks
    ]


def send_records_and_messages(
    enqueued_tasks: Sequence[EnqueuedTask], options: Options, transport: Transport
) -> Failures:
    """Send what keeps each task, and return why it failed where nothing keeps it."""
    if not options.record_at_enqueue:
        return begin_messages(enqueued_tasks, options, transport)()
    store = store_of(options)
    shards = store.shards(options)
    indexed, listed = options.is_indexed(enqueued_tasks[0].queue), options.sharded_history
    items = [
        # In no index, a record whose process dies here would keep its unique key.
        initial_item(task, shards, indexed=indexed or task.unique is not None, listed=listed)
        for task in enqueued_tasks
    ]
    deferred = is_deferred(enqueued_tasks[0], transport)
    if deferred or not transport.longest_return:
        # Only the record keeps the task, so nothing else leaves before the record is there.
        unrecorded = begin_records(enqueued_tasks, items, store, options)()
        recorded = [enqueued for enqueued in enqueued_tasks if enqueued.id not in unrecorded]
        if recorded and not deferred:
            begin_messages(recorded, options, transport)()
        return unrecorded
    # Both are under way together, and so are new connections. If a message arrives first, its claim makes
    # the record.
    with made_together():
        wait_for_records = begin_records(enqueued_tasks, items, store, options)
        with at_most(BEGIN_SECONDS):
            wait_for_messages = begin_messages(enqueued_tasks, options, transport)
    unrecorded, unsent = wait_for_records(), wait_for_messages()
    if unsent:
        waiting = [
            (enqueued, item)
            for enqueued, item in zip(enqueued_tasks, items, strict=True)
            if enqueued.id in unsent and enqueued.id not in unrecorded
        ]
        from .unsent import have_swept_soon  # Imported here, because AWS takes nearly every message.

        # A record that is in no index doesn't keep its task.
        unrecorded |= have_swept_soon(waiting, store, shards)
    return {task_id: cause for task_id, cause in unsent.items() if task_id in unrecorded}


def begin_records(
    enqueued_tasks: Sequence[EnqueuedTask], items: Sequence[Attributes], store: Store, options: Options
) -> Callable[[], Failures]:
    """
    Begin to create records, and return a callable that waits for them.

    Large arguments are written beside a record before it, so that no record lacks them.
    """
    parts = [
        part
        for enqueued, item in zip(enqueued_tasks, items, strict=True)
        if "arguments" not in item and (part := arguments_part(enqueued, item, options))
    ]
    unkept: Failures = {}
    if parts:
        by_id = {enqueued.id: enqueued for enqueued in enqueued_tasks}
        results = begin_together(partial(store.begin_put_part, part) for part in parts)()
        unkept = failed([by_id[part.task_id] for part in parts], "record", results)
        enqueued_tasks = [enqueued for enqueued in enqueued_tasks if enqueued.id not in unkept]
        items = [item for item in items if item["id"] not in unkept]
    wait = store.begin_create_many(items)
    return lambda: unkept | failed(enqueued_tasks, "record", wait())


def begin_messages(
    enqueued_tasks: Sequence[EnqueuedTask], options: Options, transport: Transport
) -> Callable[[], Failures]:
    """Begin to send messages, and return a callable that waits for them."""
    delays = [
        max(enqueued.start_at - enqueued.enqueued_at, NO_DELAY) if enqueued.run_after else NO_DELAY
        for enqueued in enqueued_tasks
    ]
    try:
        texts = [
            message_text(enqueued, options, enqueued.start_at + MESSAGE_LIFE) for enqueued in enqueued_tasks
        ]
        groups = [enqueued.group for enqueued in enqueued_tasks]
        wait = transport.begin_send_many(enqueued_tasks[0].queue, texts, delays, groups)
    except Exception as exc:  # noqa: BLE001, whatever a seam raises
        failures = failed(enqueued_tasks, "message", [exc] * len(enqueued_tasks))
        return lambda: failures
    return lambda: failed(enqueued_tasks, "message", wait())


def failed(enqueued_tasks: Sequence[EnqueuedTask], half: str, results: Iterable[object]) -> Failures:
    """
    Return the exceptions among the results of one half of a send, and log them: the other half may do.

    Raise LocalAWSMissing if that is the reason, because it is the other half's reason too.
    """
    failures: Failures = {}
    for enqueued, result in zip(enqueued_tasks, results, strict=True):
        if isinstance(result, LocalAWSMissing):
            raise result
        if isinstance(result, Exception):
            reason = masked_text(result, enqueued)
            logger.warning("Task id=%s name=%s %s failed: %s", enqueued.id, enqueued.name, half, reason)
            failures[enqueued.id] = result
    return failures


def is_deferred(enqueued: EnqueuedTask, transport: Transport) -> bool:
    """Return True if a task starts later than any message can wait."""
    return (
        enqueued.run_after is not None and enqueued.start_at - enqueued.enqueued_at > transport.longest_delay
    )


def message_text(enqueued: EnqueuedTask, options: Options, expires_at: datetime) -> str:
    """Return the signed message of a task."""
    keyring = Keyring(signing_keys(), options.scope(enqueued.queue))
    return encode(TaskMessage(enqueued=enqueued, expires_at=expires_at), keyring)


def upload_large_arguments(enqueued: EnqueuedTask, options: Options) -> EnqueuedTask:
    """
    Put arguments that no message can carry into the bucket, and return the task that refers to them.

    Raise PayloadTooLarge if the stack has no bucket.
    """
    if len(enqueued.arguments) <= PART_BYTES or enqueued.reference is not None:
        return enqueued
    payloads = payloads_of(options)
    if payloads is None:
        raise PayloadTooLarge(enqueued.name, len(enqueued.arguments), PART_BYTES)
    return replace(enqueued, reference=payloads.keep(f"payloads/{enqueued.id}/arguments", enqueued.arguments))


def ensure_record(store: Store, enqueued: EnqueuedTask, options: Options) -> None:
    """Create a READY record if there is none, after its arguments where they are beside it."""
    item = initial_item(enqueued, store.shards(options), listed=options.sharded_history)
    keep_arguments(store, enqueued, item, options)
    store.begin_create(item)()
