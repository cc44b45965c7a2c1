"""
The two backends: validate, decide when tasks leave, send them; read a result.

    enqueue() ────────┐                         ┌─ now
    enqueue_many() ───┴─▶ build ─▶ Departure ───┼─ at the commit of the open transaction
                                                └─ in the outbox, then at the commit
"""

import logging
import sys
from asyncio import _get_running_loop as running_loop
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from reprlib import repr as short
from types import ModuleType
from typing import Any, ClassVar

from django.core.checks import CheckMessage, Error
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.utils.module_loading import import_string

from ..aws import reading
from ..aws.stand_ins import follow_tests
from ..compat import TEST_UTILS, BaseTaskBackend, InvalidTask, TaskResultDoesNotExist, is_of_backport
from ..conf import Options, find_problems, queue_names, shown
from ..definition.bulk_results import MOST_TASKS, Arguments, split_arguments
from ..definition.context import Budget, current_context
from ..definition.offload_task import AnyResult, AnyTask, OffloadTask, refuse_event_loop
from ..definition.registry import name_of, registry
from ..definition.results import result_of
from ..exceptions import ConfigurationError, ResourceMissing, TooManyEnqueues
from ..operations.find import read_parts
from ..protocol.enqueued_task import EnqueuedTask, is_id
from ..protocol.record import explain_unreadable, read_record
from ..protocol.record_size import is_short_text
from ..sending.enqueue import (
    Outcome,
    Prototype,
    announce_enqueued,
    build,
    enqueued_result,
    prototype_of,
    send_many,
)
from ..sending.failures import enqueue_failed, masked_text
from ..stores import store_of

logger = logging.getLogger("django_offload")

# Django makes a backend per thread and per async context: by alias, an entry of TASKS and its options.
_parsed: dict[str, tuple[Mapping[str, Any], Options]] = {}

# Arguments that leave together have at most this size, so that large ones need no more memory than many.
MOST_BYTES = 4 * 2**20
# Of an owner, as UTF-8. Every write of a record bills it.
MOST_OWNER_BYTES = 1_000
# Tasks whose arguments came within this time leave as enqueued when they came; slower ones, when they leave.
ONE_INSTANT = timedelta(seconds=1)
# Django's exception has only the id, and this is what people wonder about in their first test.
BEFORE_COMMIT = (
    "A task that was enqueued in a transaction is recorded after the commit. In a TestCase nothing commits: "
    "enqueue it inside self.captureOnCommitCallbacks(execute=True), or use a TransactionTestCase."
)

# A task that can be sent with its result, or why it can't be sent.
type Able = tuple[EnqueuedTask, AnyResult]
type Entry = Able | Exception


class OffloadBackend(BaseTaskBackend):
    """What both backends share; they differ in how a message travels."""

    task_class = OffloadTask
    is_offload = True
    transport: ClassVar[str]

    # Coroutine functions run in the worker's own event loop.
    supports_async_task = True

    # Results are in DynamoDB, for any process that may read it.
    supports_get_result = True

    # Neither SQS nor Lambda knows priorities: use queues.
    supports_priority = False

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        # Django's own constructor raises if one of these has the wrong type, which check() reports.
        names = [name for name in queue_names(params) if isinstance(name, str)]
        super().__init__(alias, {**params, "QUEUES": names})
        self._params = params

    @cached_property
    def conf(self) -> Options:
        """The parsed options. Raise ConfigurationError on the first problem."""
        params, options = _parsed.get(self.alias, (None, None))
        if options is None or params is not self._params:
            options = Options.parse(self.alias, self._params)
            _parsed[self.alias] = self._params, options
        return options

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Report the problems of this entry of TASKS."""
        if is_of_backport(self):  # Django's own tasks report them.
            return []
        return [
            Error(
                f"TASKS[{shown(self.alias)}]: {problem.text}",
                hint=problem.hint,
                id=f"django_offload.{problem.id}",
            )
            for problem in find_problems(self._params)
        ]

    def enqueue(self, task: AnyTask, args: Any, kwargs: Any) -> Any:
        """
        Send a task to its worker and return its result, READY.

        Inside a transaction (option `on_commit`) nothing leaves before the commit. Until then the result's
        `enqueued_at` is None; it stays None if AWS accepts nothing at the commit, and an ERROR in the log
        names the id. Raise InvalidTask if the task or its arguments can't be sent, EnqueueFailed if AWS
        accepted neither the record nor the message, and SynchronousOnlyOperation in an event loop.
        """
        if running_loop() is not None:
            refuse_event_loop(task, "enqueue", "await {}.aenqueue(...)")
        self.validate_task(task)
        context = current_context.get()
        most = context.most_enqueues if context else None
        # Whatever backend an attempt enqueues with, it is the attempt that has no end.
        if context and most is not None and next(context.enqueues) >= most:
            raise TooManyEnqueues(name_of(task), "enqueues_per_attempt", most, "in one attempt")
        enqueued = build(task, self.prototype(task), args, kwargs, self.conf)
        result = enqueued_result(task, enqueued, args, kwargs)
        (failure,) = self.depart([(enqueued, result)])
        if failure is not None:
            raise failure
        return result

    def enqueue_on_commit(self, task: AnyTask, args: Any, kwargs: Any) -> Any:
        """Do what enqueue() does if the option `on_commit` is True, also if it's False here."""
        from .at_commit import (
            waiting,
        )  # Imported here, because most tasks are enqueued outside a transaction.

        return waiting(self).enqueue(task, args, kwargs)

    def enqueue_many(self, task: AnyTask, arguments: Iterable[Arguments]) -> Iterator[AnyResult | Exception]:
        """
        Do what enqueue() does for each item of `arguments`, in bulk, and yield what it returns or raises.

        If iterating over `arguments` raises, if AWS says that the queue doesn't exist (ResourceMissing), or
        if the root of the running task has no budget left (TooManyEnqueues), raise that after the answers to
        what came before.
        """
        if running_loop() is not None:
            refuse_event_loop(task, "enqueue_many", "async for answer in {}.aenqueue_many(...)")
        self.validate_task(task)
        prototype = self.prototype(task)
        for entries, failure in chunks(self.entry(task, prototype, item) for item in arguments):
            failures = iter(self.depart([entry for entry in entries if not isinstance(entry, Exception)]))
            for entry in entries:
                answer = entry if isinstance(entry, Exception) else next(failures) or entry[1]
                if isinstance(answer, TooManyEnqueues):
                    raise answer
                yield answer
            if failure is not None:
                raise failure

    def prototype(self, task: AnyTask) -> Prototype:
        if TEST_UTILS in sys.modules:
            follow_tests(self.conf, enqueues=True)
        return prototype_of(task, self.conf, self.owner())

    def owner(self) -> str | None:
        """Return the owner of a new task. Raise ConfigurationError if no record can contain it."""
        owner: Any = owner_function(self.conf)()
        if owner is None or is_short_text(owner, MOST_OWNER_BYTES):
            return owner  # type: ignore[no-any-return]
        raise ConfigurationError(
            self.alias,
            f"OPTIONS['owner'] returned {short(owner)}, which no record can contain.",
            f"Return a text of at most {MOST_OWNER_BYTES:,} bytes, or None.",
        )

    def entry(self, task: AnyTask, prototype: Prototype, item: Arguments) -> Entry:
        """Return a task of enqueue_many(), or why it can't be sent."""
        args, kwargs = split_arguments(item)
        try:
            dated = partial(prototype, enqueued_at=datetime.now(UTC))
            enqueued = build(task, dated, args, kwargs, self.conf)
            return enqueued, enqueued_result(task, enqueued, args, kwargs)
        except InvalidTask as exc:
            return exc

    def depart(self, entries: Sequence[Able]) -> list[Exception | None]:
        """
        Have tasks leave now, or at the commit; return for each what went wrong so far, or None.

        Raise ResourceMissing, with nothing sent, if AWS says that the queue doesn't exist.
        """
        context = current_context.get()
        if entries and context is not None and context.budget is not None:
            return self.depart_within(context.budget, entries)
        return self.depart_uncounted(entries)

    def depart_within(self, budget: Budget, entries: Sequence[Able]) -> list[Exception | None]:
        """Do what depart() does for as many tasks as the budget of their root allows, the first ones."""
        first = entries[0][0]
        try:
            count = budget.spend(len(entries), first.start_at)
        except ResourceMissing:
            raise
        except Exception as exc:  # noqa: BLE001, whatever a seam raises
            return [enqueue_failed(enqueued, exc) for enqueued, _ in entries]
        answers = self.depart_uncounted(entries[:count])
        whose = f"below the task id={budget.root}"
        over = TooManyEnqueues(first.name, "enqueues_per_root", budget.limit or 0, whose)
        return [*answers, *[over] * (len(entries) - count)]

    def depart_uncounted(self, entries: Sequence[Able]) -> list[Exception | None]:
        if not entries:
            return []
        waits = self.waits_for_commit()
        departure = Departure(sender=type(self), options=self.conf, entries=entries, waits=waits)
        if not waits:
            return departure.leave()
        if departure.in_outbox:
            outbox().put_many([enqueued for enqueued, _ in entries])
        from .at_commit import watch

        watch(transaction.get_connection())
        # Nobody is there to raise to. One that fails holds up no other.
        transaction.on_commit(departure.leave_at_commit, robust=True)
        return [None] * len(entries)

    def waits_for_commit(self) -> bool:
        """Return True if tasks that are enqueued now leave at the end of a transaction."""
        # Only existing connections count: a thread without one would open it just to be asked.
        return self.conf.on_commit and any(
            connection.in_atomic_block and connection.alias == DEFAULT_DB_ALIAS
            for connection in connections.all(initialized_only=True)
        )

    def get_result(self, result_id: str) -> AnyResult:
        """
        Return the result of an id, as of now.

        Raise TaskResultDoesNotExist if there is none (any more), and UnknownTask if no declared module
        defines its task (any more). Raise what a client of AWS raises, or CallFailed, if AWS doesn't answer
        in 5 seconds.
        """
        if not isinstance(result_id, str) or not is_id(result_id):
            raise TaskResultDoesNotExist(result_id)
        if TEST_UTILS in sys.modules:
            follow_tests(self.conf)
        store = store_of(self.conf)
        with reading():
            attributes = store.get(result_id)
        if attributes is None:
            missing = TaskResultDoesNotExist(result_id)
            if self.waits_for_commit():
                missing.add_note(BEFORE_COMMIT)
            raise missing
        record = read_record(attributes)
        if record.hidden(datetime.now(UTC)):
            raise TaskResultDoesNotExist(result_id)
        if record.duplicate_of is not None:
            from .duplicates import result_of_holder  # Imported here, because few tasks are unique.

            return result_of_holder(store, record, self.conf)
        task = registry().resolve(record.enqueued.name)
        with reading():
            parts = read_parts(store, record, self.conf)
        with explain_unreadable(result_id):
            return result_of(record, parts, task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """Tasks of one call that leave together: one, or up to a hundred."""

    sender: type  # Of the signal `task_enqueued`.
    options: Options
    entries: Sequence[Able]
    waits: bool  # For the commit of a transaction.

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def enqueued_tasks(self) -> list[EnqueuedTask]:
        """The tasks, which a worker names if the commit never comes."""
        return [enqueued for enqueued, _ in self.entries]

    @property
    def in_outbox(self) -> bool:
        return self.waits and self.options.outbox

    def leave(self) -> list[Exception | None]:
        """Send the tasks, announce those that were sent, and return what went wrong with each."""
        enqueued_tasks = self.enqueued_tasks
        now = datetime.now(UTC)
        if self.waits or now - enqueued_tasks[0].enqueued_at > ONE_INSTANT:
            enqueued_tasks = [replace(enqueued, enqueued_at=now) for enqueued in enqueued_tasks]
        failures: list[Exception | None] = []
        outcomes = self.send(enqueued_tasks)
        for enqueued, (_, result), outcome in zip(enqueued_tasks, self.entries, outcomes, strict=True):
            failures.append(outcome if isinstance(outcome, Exception) else None)
            if outcome is None:
                announce_enqueued(self.sender, result, enqueued.enqueued_at)
            elif not isinstance(outcome, Exception):
                from .duplicates import show_holder  # Imported here, because few tasks are unique.

                show_holder(result, enqueued, outcome, id_is_known=self.waits)
        # The outbox keeps what failed, and the sweeper sends and announces it later.
        return [None] * len(failures) if self.in_outbox else failures

    def send(self, enqueued_tasks: Sequence[EnqueuedTask]) -> list[Outcome | Exception]:
        """Send the tasks, and delete from the outbox what it has kept since the commit."""
        if not self.in_outbox:
            return [*send_many(enqueued_tasks, self.options, ids_are_known=self.waits)]
        outcomes: list[Outcome | Exception]
        try:
            outcomes = [*send_many(enqueued_tasks, self.options, ids_are_known=True)]
        except Exception as exc:  # noqa: BLE001, the same for all
            outcomes = [exc] * len(enqueued_tasks)
        pairs = list(zip(enqueued_tasks, outcomes, strict=True))
        outbox().forget_many([enqueued for enqueued, outcome in pairs if not isinstance(outcome, Exception)])
        for enqueued, outcome in pairs:
            if isinstance(outcome, Exception):
                reason = masked_text(outcome, enqueued)
                logger.warning("Task id=%s was not sent yet, it is in the outbox: %s", enqueued.id, reason)
        return outcomes

    def leave_at_commit(self) -> None:
        """Send the tasks after the commit, and log each that failed."""
        from .at_commit import send_and_log

        send_and_log(self)


def owner_function(options: Options) -> Any:
    """Return the function in OPTIONS['owner']. Raise ConfigurationError if it can't be imported."""
    try:
        return import_string(options.owner)
    except ImportError as exc:
        problem = f"OPTIONS['owner'] names '{options.owner}', which can't be imported ({exc})."
        hint = "Correct the path, or install what it needs."
        raise ConfigurationError(options.alias, problem, hint) from exc


def chunks(entries: Iterator[Entry]) -> Iterator[tuple[list[Entry], Exception | None]]:
    """Yield entries that leave together; with the last ones, the exception that ended them, if any."""
    chunk: list[Entry] = []
    size = 0
    try:
        for entry in entries:
            chunk.append(entry)
            size += 0 if isinstance(entry, Exception) else len(entry[0].arguments)
            if len(chunk) == MOST_TASKS or size >= MOST_BYTES:
                yield chunk, None
                chunk, size = [], 0
    except Exception as exc:  # noqa: BLE001, raised after what came before has left
        yield chunk, exc
    else:
        yield chunk, None


def outbox() -> ModuleType:
    """Return the outbox, whose model can be imported only if its app is installed."""
    from ..outbox import drain

    return drain


class SQSBackend(OffloadBackend):
    """Messages wait in SQS; an event source mapping hands them to the worker function."""

    transport = "sqs"

    # To any date: within 15 minutes by SQS's own delay, beyond by the sweeper.
    supports_defer = True


class LambdaBackend(OffloadBackend):
    """The worker function is invoked asynchronously with the message: the lowest latency."""

    transport = "lambda"

    # An invocation starts at once.
    supports_defer = False
