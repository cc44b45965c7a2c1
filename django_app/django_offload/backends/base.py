"""The two backends: validate, write the record, send the message; read a result."""

import logging
import re
import secrets as randomness
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from types import ModuleType
from typing import Any, ClassVar

from django.core.checks import CheckMessage, Error
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django.utils.module_loading import import_string

from ..conf import Options, find_problems
from ..definition.bulk_results import Arguments, split_arguments
from ..definition.context import current, current_trace
from ..definition.offload_task import AnyResult, AnyTask, OffloadTask, changed_options, name_of
from ..definition.registry import registry
from ..definition.results import django_time, enqueued_result, parts_of, result_of
from ..exceptions import EnqueueFailed, InvalidArguments, ResourceMissing
from ..payloads import fetch_parts
from ..protocol.enqueued_task import ID_PATTERN, EnqueuedTask, dump_any
from ..protocol.message import MAX_DEPTH
from ..protocol.record import LONGEST_DELAY, PAYLOAD_LIFE, RECORD_LIFE, TaskRecord, read_record
from ..sending.record_and_message import measure, send
from ..stores import Store, store_of
from . import bulk

logger = logging.getLogger("django_offload")

# Makes births that differ in their ids and arguments; dataclasses.replace() takes three times as long.
type Origin = partial[EnqueuedTask]

# By alias: an entry of TASKS and what it says. Django makes a backend per thread and per async context.
_parsed: dict[str, tuple[Mapping[str, Any], Options]] = {}

_IS_ID = re.compile(ID_PATTERN).fullmatch


class OffloadBackend(BaseTaskBackend):
    """What both backends share; they differ in the way a message travels."""

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
        super().__init__(alias, params)
        self._params = params

    @cached_property
    def conf(self) -> Options:
        """The parsed options. Raise ConfigurationError on the first thing wrong."""
        params, options = _parsed.get(self.alias, (None, None))
        if options is None or params is not self._params:
            options = Options.parse(self.alias, self._params)
            _parsed[self.alias] = self._params, options
        return options

    @property
    def _store(self) -> Store:
        return store_of(self.conf)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return [
            Error(
                f"TASKS['{self.alias}']: {problem.text}", hint=problem.hint, id=f"django_offload.{problem.id}"
            )
            for problem in find_problems(self._params)
        ]

    def enqueue(self, task: AnyTask, args: Any, kwargs: Any) -> Any:
        """
        Send a task to its worker and return its result, READY.

        Inside a transaction (option `on_commit`) nothing leaves before the commit; until then
        `enqueued_at` is None, and it stays so, with an ERROR in the log that names the id, where AWS
        accepts nothing at the commit either. Raise InvalidTask if the task or its arguments cannot be sent,
        and EnqueueFailed if AWS accepted neither the record nor the message.
        """
        self.validate_task(task)
        enqueued = self._born(self._origin(task), args, kwargs)
        result = enqueued_result(task, enqueued)

        def leave() -> None:
            sent = replace(enqueued, enqueued_at=datetime.now(UTC)) if waits else enqueued
            try:
                self._leave(sent, kept=kept)
            except ResourceMissing as exc:
                if not waits:
                    raise
                # After the commit only the log is told, and it is to name the task.
                raise EnqueueFailed(sent.id, sent.name, sent.queue) from exc
            object.__setattr__(result, "enqueued_at", django_time(sent.enqueued_at))
            task_enqueued.send(type(self), task_result=result)

        waits = self._waits()
        kept = waits and self.conf.outbox
        if waits:
            if kept:
                self._outbox().put(enqueued)
            # Nobody is there to raise to: one that fails is logged by Django, and holds up no other.
            transaction.on_commit(leave, robust=True)
        else:
            leave()
        return result

    def enqueue_many(self, task: AnyTask, arguments: Iterable[Arguments]) -> Iterator[AnyResult | Exception]:
        """
        Do what enqueue() does for each item of `arguments`, in bulk, and yield what it returns or raises.

        Raise what iterating over `arguments` raises, and ResourceMissing, once what came before is answered.
        """
        self.validate_task(task)
        origin = self._origin(task)
        for entries, failure in bulk.chunks(self._born_of(origin, task, given) for given in arguments):
            yield from self._together(entries)
            if failure is not None:
                raise failure

    def _born_of(self, origin: Origin, task: AnyTask, given: Arguments) -> bulk.Entry:
        """Return a task that can be sent, or why it cannot."""
        args, kwargs = split_arguments(given)
        try:
            enqueued = self._born(partial(origin, enqueued_at=datetime.now(UTC)), args, kwargs)
        except (InvalidTask, TypeError) as exc:
            return exc
        return enqueued, enqueued_result(task, enqueued)

    def _together(self, entries: Sequence[bulk.Entry]) -> Iterator[AnyResult | Exception]:
        """Let tasks leave now or at the commit, and yield the answer to each."""
        able = [entry for entry in entries if not isinstance(entry, Exception)]
        waits = self._waits()
        leaving = bulk.Leaving(
            sender=type(self),
            options=self.conf,
            entries=able,
            waits=waits,
            kept=waits and self.conf.outbox,
        )
        failures = iter(leaving.begin())
        for entry in entries:
            yield entry if isinstance(entry, Exception) else next(failures) or entry[1]

    def _waits(self) -> bool:
        """Tell whether what is enqueued now leaves at the end of a transaction."""
        # Only of the connections that there are: a thread without one would make it just to be asked.
        return self.conf.on_commit and any(
            connection.in_atomic_block and connection.alias == DEFAULT_DB_ALIAS
            for connection in connections.all(initialized_only=True)
        )

    def _leave(self, enqueued: EnqueuedTask, *, kept: bool) -> None:
        """Send a task; what the outbox has kept since the commit may fail to be sent now."""
        try:
            send(enqueued, self.conf)
        except Exception as exc:
            if not kept:
                raise
            logger.warning("Task id=%s was not sent yet, it is in the outbox: %s", enqueued.id, exc)
        else:
            if kept:
                self._outbox().delete_sent(enqueued)

    def _outbox(self) -> ModuleType:
        """Return the outbox, whose model can be imported only where its app is installed."""
        from ..outbox import drain

        return drain

    def get_result(self, result_id: str) -> AnyResult:
        """
        Return the result of an id, as of now.

        Raise TaskResultDoesNotExist if there is none (any more), and UnknownTask if no declared
        module defines its task (any more).
        """
        if not isinstance(result_id, str) or not _IS_ID(result_id):
            raise TaskResultDoesNotExist(result_id)
        attributes = self._store.get(result_id)
        if attributes is None:
            raise TaskResultDoesNotExist(result_id)
        record = read_record(attributes)
        if record.hidden(datetime.now(UTC)):
            raise TaskResultDoesNotExist(result_id)
        task = registry().resolve(record.enqueued.name)
        return result_of(record, self._parts(record), task)

    def _parts(self, record: TaskRecord) -> dict[str, str]:
        """Return what stands beside a record and belongs to its result: written before it, never changed."""
        parts = fetch_parts(record, self.conf)
        for name in parts_of(record):
            text = None if name in parts else self._store.get_part(record.enqueued.id, name)
            if text is not None:
                parts[name] = text
        return parts

    def _origin(self, task: AnyTask) -> Origin:
        """Return what makes a birth of each task that is enqueued by one call: of its id and arguments."""
        name = name_of(task)
        changed = changed_options(task, registry().defined(task))
        around = current()
        depth = around.depth + 1 if around else 0
        if depth > MAX_DEPTH:
            raise InvalidTask(
                f"Task {name} stands at the end of a chain of {MAX_DEPTH:,} tasks, each enqueued by the one "
                "before: a runaway. End the chain, or start a new one from outside a task."
            )
        now, run_after = datetime.now(UTC), _aware(task.run_after)
        if not self.conf.record_at_enqueue and run_after and run_after - now > LONGEST_DELAY:
            raise InvalidTask(
                f"run_after of task {name} is over {LONGEST_DELAY} away, which only a record can wait for. "
                "Give an earlier time, or remove OPTIONS['record_at_enqueue']."
            )
        return partial(
            EnqueuedTask,
            alias=self.alias,
            name=name,
            queue=task.queue_name,
            enqueued_at=now,
            run_after=run_after,
            owner=import_string(self.conf.owner)(),
            depth=depth,
            traceparent=around.traceparent if around else current_trace(),
            options=changed,
        )

    def _born(self, origin: Origin, args: Any, kwargs: Any) -> EnqueuedTask:
        """Return a task of its own. Raise InvalidArguments, or TypeError, for what JSON cannot carry."""
        try:
            arguments = dump_any([args, kwargs])
        except (ValueError, RecursionError) as exc:
            raise InvalidArguments(origin.keywords["name"], str(exc)) from exc
        enqueued = origin(id=randomness.token_hex(16), arguments=arguments)
        if (
            measure(enqueued, self.conf)
            and enqueued.start_at - enqueued.enqueued_at > PAYLOAD_LIFE - RECORD_LIFE
        ):
            raise InvalidTask(
                f"run_after of task {enqueued.name} is too far away for arguments of {len(arguments):,} "
                f"bytes, which are kept for {PAYLOAD_LIFE.days} days only. Give a time within "
                f"{(PAYLOAD_LIFE - RECORD_LIFE).days} days, or smaller arguments."
            )
        return enqueued


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


def _aware(instant: datetime | None) -> datetime | None:
    """Return a project's datetime as an aware one in UTC; a naive one is in the project's time zone."""
    if instant is None:
        return None
    aware = instant if timezone.is_aware(instant) else timezone.make_aware(instant)
    return aware.astimezone(UTC)
