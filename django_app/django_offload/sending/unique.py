"""Tasks with unique keys, on their way into AWS: each takes its key first, or is a duplicate."""

from collections.abc import Sequence
from dataclasses import replace

from ..aws import at_most
from ..conf import Options
from ..exceptions import EnqueueFailed
from ..keys.unique import Answer, Holder, UniqueKeys, record_duplicate
from ..protocol.enqueued_task import EnqueuedTask
from ..stores import store_of
from .enqueue import SEND_SECONDS, Outcome, prepare, send_all
from .failures import enqueue_failed


def send_unique(
    enqueued_tasks: Sequence[EnqueuedTask], options: Options, *, ids_are_known: bool
) -> list[Outcome]:
    """Do what send_many() does, for tasks of which some have unique keys."""
    store = store_of(options)
    with at_most(SEND_SECONDS):
        prepare(enqueued_tasks[0].queue, options)  # A key without a task would only delay the next call.
        answers = UniqueKeys(store, options, enqueued_tasks[0].enqueued_at).take_all(enqueued_tasks)
        outgoing: dict[str, EnqueuedTask] = {}
        for enqueued in enqueued_tasks:
            answer = answers.get(enqueued.id)
            if answer is None:
                outgoing[enqueued.id] = enqueued
            elif isinstance(answer, Holder) and answer.to_send:
                outgoing[answer.task_id] = replace(enqueued, id=answer.task_id)
        sent = send_all(list(outgoing.values()), options) if outgoing else []
        failures = dict(zip(outgoing, sent, strict=True))
        outcomes = [outcome(enqueued, answers.get(enqueued.id), failures) for enqueued in enqueued_tasks]
        for number, (enqueued, result) in enumerate(zip(enqueued_tasks, outcomes, strict=True)):
            if ids_are_known and isinstance(result, Holder):
                try:
                    record_duplicate(store, options, enqueued, result.task_id, enqueued.enqueued_at)
                except Exception as exc:  # noqa: BLE001, whatever a seam raises
                    outcomes[number] = enqueue_failed(enqueued, exc)
    return outcomes


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
