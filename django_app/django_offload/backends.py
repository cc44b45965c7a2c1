"""The two backends: validate, write the record, send the message; read a result."""

import logging
import re
import secrets as randomness
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar

from django.core.checks import CheckMessage, Error
from django.db import transaction
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import InvalidTask, TaskResultDoesNotExist
from django.tasks.signals import task_enqueued
from django.utils import timezone
from django.utils.json import normalize_json
from django.utils.module_loading import import_string

from .birth import Birth, dump
from .conf import Options, problems, secrets
from .context import current, current_trace
from .definition import AnyResult, AnyTask, OffloadTask, changed_options, name_of
from .exceptions import EnqueueFailed, InvalidArguments, PayloadTooLarge
from .message import MAX_DEPTH, Keyring, TaskMessage, encode
from .record import ARGUMENTS_PART, INLINE_ARGUMENTS_BYTES, MESSAGE_LIFE, PART_BYTES, RECORD_LIFE, read
from .registry import registry
from .results import django_time, enqueued_result, result_of
from .stores import Store, store_of
from .transports import Transport, transport_of
from .transports.sqs import LONGEST_DELAY

logger = logging.getLogger("django_offload")

# Anything else never was an id of ours.
ID_PATTERN = re.compile(r"[0-9a-f]{32}")


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
        return Options.parse(self.alias, self._params)

    @property
    def _store(self) -> Store:
        return store_of(self.conf)

    @property
    def _transport(self) -> Transport:
        return transport_of(self.conf)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return [
            Error(
                f"TASKS['{self.alias}']: {problem.text}", hint=problem.hint, id=f"django_offload.{problem.id}"
            )
            for problem in problems(self._params)
        ]

    def enqueue(self, task: AnyTask, args: Any, kwargs: Any) -> Any:
        """
        Send a task to its worker and return its result, READY.

        Inside a transaction (option `on_commit`) nothing leaves before the commit; until then
        `enqueued_at` is None. Raise InvalidTask if the task or its arguments cannot be sent, and
        EnqueueFailed if AWS accepted neither the record nor the message.
        """
        self.validate_task(task)
        birth = self._birth(task, args, kwargs)
        self._message(birth)  # Measured at once, whenever it is sent.
        result = enqueued_result(task, birth)

        def send() -> None:
            sent = replace(birth, enqueued_at=datetime.now(UTC))
            self._send(sent)
            object.__setattr__(result, "enqueued_at", django_time(sent.enqueued_at))
            task_enqueued.send(type(self), task_result=result)

        if self.conf.on_commit and transaction.get_connection().in_atomic_block:
            transaction.on_commit(send)
        else:
            send()
        return result

    def get_result(self, result_id: str) -> AnyResult:
        """
        Return the result of an id, as of now.

        Raise TaskResultDoesNotExist if there is none (any more), and UnknownTask if no declared
        module defines its task (any more).
        """
        if not isinstance(result_id, str) or not ID_PATTERN.fullmatch(result_id):
            raise TaskResultDoesNotExist(result_id)
        attributes, parts = self._store.parts(result_id)
        if attributes is None:
            raise TaskResultDoesNotExist(result_id)
        record = read(attributes)
        if record.hidden(datetime.now(UTC)):
            raise TaskResultDoesNotExist(result_id)
        return result_of(record, parts, registry().resolve(record.birth.name))

    def _birth(self, task: AnyTask, args: Any, kwargs: Any) -> Birth:
        name = name_of(task)
        changed = changed_options(task, registry().defined(task))
        try:
            arguments = dump([normalize_json(args), normalize_json(kwargs)])
        except (ValueError, RecursionError) as exc:
            raise InvalidArguments(name, str(exc)) from exc
        if len(arguments) > PART_BYTES:
            raise PayloadTooLarge(name, len(arguments), PART_BYTES)
        around = current()
        depth = around.depth + 1 if around else 0
        if depth > MAX_DEPTH:
            raise InvalidTask(
                f"Task {name} stands at the end of a chain of {MAX_DEPTH:,} tasks, each enqueued by the one "
                "before: a runaway. End the chain, or start a new one from outside a task."
            )
        return Birth(
            id=randomness.token_hex(16),
            alias=self.alias,
            name=name,
            queue=task.queue_name,
            arguments=arguments,
            enqueued_at=datetime.now(UTC),
            run_after=_aware(task.run_after),
            owner=import_string(self.conf.owner)(),
            depth=depth,
            traceparent=around.traceparent if around else current_trace(),
            options=changed,
        )

    def _message(self, birth: Birth) -> str:
        keyring = Keyring(secrets(), self.conf.scope(birth.queue))
        return encode(TaskMessage(birth=birth, expires_at=birth.start_at + MESSAGE_LIFE), keyring)

    def _send(self, birth: Birth) -> None:
        """Write the record and send the message; one of the two is enough, the sweeper mends the other."""
        self._transport.prepare(birth.queue)
        failures: list[Exception] = []
        for step in (self._record, self._deliver):
            try:
                step(birth)
            except Exception as exc:  # noqa: BLE001, whatever a seam raises: the other half may do
                failures.append(exc)
                logger.warning("Task id=%s name=%s %s failed: %s", birth.id, birth.name, step.__name__, exc)
        if len(failures) == 2:
            raise EnqueueFailed(birth.id, birth.name, birth.queue) from failures[-1]

    def _record(self, birth: Birth) -> None:
        if len(birth.arguments) > INLINE_ARGUMENTS_BYTES:
            ttl = birth.start_at + RECORD_LIFE + self.conf.ttl(birth.queue)
            self._store.put_part(birth.id, ARGUMENTS_PART, birth.arguments, int(ttl.timestamp()))
        self._store.create(birth)

    def _deliver(self, birth: Birth) -> None:
        self._transport.send(birth.queue, self._message(birth), birth.start_at - birth.enqueued_at)


class SQSBackend(OffloadBackend):
    """Messages wait in SQS; an event source mapping hands them to the worker function."""

    transport = "sqs"

    # By SQS's own delay, so up to 15 minutes.
    supports_defer = True

    def validate_task(self, task: AnyTask) -> None:
        super().validate_task(task)
        run_after = _aware(task.run_after)
        if run_after is not None and run_after - datetime.now(UTC) > LONGEST_DELAY:
            raise InvalidTask(
                f"run_after is {run_after.isoformat()}: SQS delays a message by 15 minutes at most. "
                "Give an earlier time."
            )


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
