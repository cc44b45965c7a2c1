"""Check that FAILED tasks could run if they were redriven: many together, or one."""

from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import replace
from functools import partial

from ..aws import begin_together
from ..conf import Options
from ..definition.registry import registry
from ..definition.signatures import argument_error
from ..exceptions import OffloadError, ResourceMissing
from ..payloads import fetch, payloads_of
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import PART_BYTES, TaskRecord
from ..stores import Store
from ..transports import transport_of
from .find import begin_complete

# Arguments that are in memory at once, in bytes, so that large ones need no more memory than many.
MOST_BYTES = 4 * 2**20
# Objects of the bucket that are read and written at the same time. boto3 needs a thread for each.
MOST_THREADS = 8


def in_portions(records: Sequence[TaskRecord]) -> Iterator[list[TaskRecord]]:
    """Yield the records in portions whose arguments fit into memory together."""
    portion: list[TaskRecord] = []
    size = 0
    for record in records:
        size += size_of_arguments(record)
        if portion and size > MOST_BYTES:
            yield portion
            portion, size = [], size_of_arguments(record)
        portion.append(record)
    if portion:
        yield portion


def size_of_arguments(record: TaskRecord) -> int:
    """Return the most bytes of a task's arguments. Those in the bucket are read a few at a time."""
    return PART_BYTES if is_beside(record) else len(record.enqueued.arguments)


def runnable_tasks(
    store: Store, records: Sequence[tuple[TaskRecord, Options]]
) -> list[EnqueuedTask | Exception]:
    """
    Return for each record its task with its arguments, or an exception.

    An OffloadError that isn't a CallFailed says why the task can't run, and what to correct. Large arguments
    are stored in the bucket again, because the bucket deletes them some days after they were stored.
    """
    tasks = begin_together(partial(begin_complete, store, record) for record, _ in records)()
    queues = Queues()
    results: list[EnqueuedTask | Exception] = []
    for task, (_, options) in zip(tasks, records, strict=True):
        results.append(task if isinstance(task, Exception) else checked(task, options, queues))
    large = [
        (number, task, options)
        for number, (task, (_, options)) in enumerate(zip(results, records, strict=True))
        if isinstance(task, EnqueuedTask) and task.reference is not None
    ]
    failures = in_threads([partial(keep_again, task, options) for _, task, options in large])
    for (number, _, _), failure in zip(large, failures, strict=True):
        results[number] = failure or results[number]
    return results


def is_beside(record: TaskRecord) -> bool:
    """Return True if the arguments of a task are stored beside its record."""
    return not record.inline and record.enqueued.reference is None


class Queues:
    """The queues of one call, each looked for once."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, str], OffloadError | None] = {}

    def failure(self, options: Options, queue: str) -> OffloadError | None:
        """Return why no message can go to a queue, or None."""
        key = options.alias, queue
        if key not in self._failures:
            self._failures[key] = look_for(options, queue)
        return self._failures[key]


def look_for(options: Options, queue: str) -> OffloadError | None:
    if queue not in options.queues:
        return ResourceMissing(options.alias, "queue", options.queue(queue))
    try:
        transport_of(options).prepare(queue)
    except OffloadError as exc:
        return exc
    return None


def checked(enqueued: EnqueuedTask, options: Options, queues: Queues) -> EnqueuedTask | Exception:
    """Return the task, or why it can't run. Arguments in the bucket are not looked at."""
    try:
        task = registry().resolve(enqueued.name)
        failure = queues.failure(options, enqueued.queue)
        if failure is None and enqueued.reference is None:
            failure = argument_error(task, enqueued)
    except Exception as exc:  # noqa: BLE001, a task that can't be checked must not stop the others
        return exc
    return failure or enqueued


def keep_again(enqueued: EnqueuedTask, options: Options) -> OffloadError | None:
    """Store arguments in the bucket again. Return why the task can't run with them, or None."""
    assert enqueued.reference is not None, "the arguments are in the bucket"
    text = fetch(enqueued.reference, options)
    payloads = payloads_of(options)
    assert payloads is not None, "the arguments were fetched from them"
    payloads.put(enqueued.reference.key, text.encode("ascii"))
    return argument_error(registry().resolve(enqueued.name), replace(enqueued, arguments=text))


def in_threads[T](calls: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Make calls at the same time, within the time that this thread has. Return the result of each."""
    if len(calls) < 2:
        return [outcome_of(call) for call in calls]
    from concurrent.futures import ThreadPoolExecutor  # Because few tasks have arguments in the bucket.

    with ThreadPoolExecutor(min(len(calls), MOST_THREADS)) as pool:
        waits = [pool.submit(copy_context().run, outcome_of, call) for call in calls]
        return [wait.result() for wait in waits]


def outcome_of[T](call: Callable[[], T]) -> T | Exception:
    try:
        return call()
    except Exception as exc:  # noqa: BLE001, whatever a seam raises, and one task must not stop the others
        return exc
