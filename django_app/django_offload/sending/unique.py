"""Tasks with unique keys, on their way into AWS: each takes its key first, or is a duplicate."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ..aws import at_most, begin_together
from ..conf import Options
from ..definition.registry import result_ttl
from ..exceptions import EnqueueFailed
from ..keys.unique import Answer, Holder, UniqueKeys
from ..protocol.conditional_write import Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import RECORD_LIFE
from ..protocol.transitions import create
from ..protocol.unique_key import duplicate_item
from ..stores import Store, store_of
from ..stores.arguments import keep_arguments
from .enqueue import SEND_SECONDS, Outcome, is_deferred, prepare, send_all, upload_large_arguments
from .failures import enqueue_failed


def send_unique(
    enqueued_tasks: Sequence[EnqueuedTask], options: Options, *, ids_are_known: bool
) -> list[Outcome]:
    """Do what send_many() does, for tasks of which some have unique keys."""
    store = store_of(options)
    with at_most(SEND_SECONDS):
        transport = prepare(
            enqueued_tasks[0].queue, options
        )  # A key without a task would only delay the next call.
        outgoing: dict[str, EnqueuedTask] = {}
        answers: dict[str, Answer | Exception] = {}
        asking: list[EnqueuedTask] = []
        for enqueued in enqueued_tasks:
            try:  # Before the key, because its holder may have to write a record at once.
                asking.append(upload_large_arguments(enqueued, options))
            except Exception as exc:  # noqa: BLE001, whatever a seam raises
                answers[enqueued.id] = exc
        answers |= UniqueKeys(store, options, enqueued_tasks[0].enqueued_at).take_all(asking)
        for enqueued in asking:
            answer = answers.get(enqueued.id)
            if answer is None:
                outgoing[enqueued.id] = enqueued
            elif isinstance(answer, Holder) and answer.to_send:
                outgoing[answer.task_id] = replace(enqueued, id=answer.task_id, run_after=answer.run_after)
        failures: dict[str, EnqueueFailed | None] = {}
        # A task that is sent for another process may start at another time than its call would have it.
        for deferred in (False, True):
            group = [task for task in outgoing.values() if is_deferred(task, transport) is deferred]
            sent = send_all(group, options) if group else []
            failures |= {task.id: failure for task, failure in zip(group, sent, strict=True)}
        outcomes = {
            enqueued.id: outcome(enqueued, answers.get(enqueued.id), failures) for enqueued in enqueued_tasks
        }
        duplicates = [
            (enqueued, found)
            for enqueued in asking
            if isinstance(found := outcomes[enqueued.id], Holder) and keeps_id(enqueued, found, ids_are_known)
        ]
        outcomes |= record_duplicates(store, options, duplicates)
    return [outcomes[enqueued.id] for enqueued in enqueued_tasks]


def outcome(
    enqueued: EnqueuedTask, answer: Answer | Exception, failures: dict[str, EnqueueFailed | None]
) -> Outcome:
    """Return what became of a task: what its holder's send came to, if it was sent here too."""
    if isinstance(answer, Exception):
        return enqueue_failed(enqueued, answer)
    failure = failures.get(enqueued.id if answer is None else answer.task_id)
    if failure is None:
        return answer
    return enqueue_failed(
        enqueued, failure.__cause__ if isinstance(failure.__cause__, Exception) else failure
    )


def keeps_id(enqueued: EnqueuedTask, holder: Holder, id_is_known: bool) -> bool:
    """
    Return True if a duplicate has a record of its own, which leads to the holder.

    It needs one if somebody has its id already, or if the holder belongs to another owner: with the holder's
    id, this owner couldn't follow the task, and others could show the holder's value to this owner.
    """
    if id_is_known or holder.record is None:
        return id_is_known
    return holder.record.get("owner") != enqueued.owner


def record_duplicates(
    store: Store, options: Options, duplicates: Sequence[tuple[EnqueuedTask, Holder]]
) -> dict[str, Outcome]:
    """Make the records of duplicates together, and return the failure of each that AWS didn't accept."""
    failures: dict[str, Outcome] = {}
    ready: list[EnqueuedTask] = []
    writes = []
    for enqueued, holder in duplicates:
        now = enqueued.enqueued_at
        # The holder may have to wait, and its result is kept from its end on.
        lasts = max(enqueued.start_at - now, RECORD_LIFE) + result_ttl(enqueued, options)
        item = duplicate_item(enqueued, holder.task_id, now, lasts)
        try:
            keep_arguments(store, enqueued, item, options)
        except Exception as exc:  # noqa: BLE001, whatever a seam raises
            failures[enqueued.id] = enqueue_failed(enqueued, exc)
        else:
            ready.append(enqueued)
            writes.append(partial(store.begin_change, enqueued.id, create(item)))
    for enqueued, result in zip(ready, begin_together(writes)(), strict=True):
        # Refused, it has one already: it was sent before.
        if isinstance(result, Exception) and not isinstance(result, Refused):
            failures[enqueued.id] = enqueue_failed(enqueued, result)
    return failures
