"""
The errors of tasks and AWS. local/errors.py and deploy/errors.py have those of local AWS and of deployments.

UnknownSchedule and TaskModuleBroken, of commands and tests, are beside what raises them. A call passes facts,
and the class writes the sentences; the last one says what to do. An error of AWS that somebody catches has
boto3's name. `retryable` decides between another delivery and the end of the task.
"""

from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .compat import InvalidTask, TaskException


class OffloadError(TaskException):
    """The base class of all errors of django-offload."""

    # Can another delivery of the same message succeed? Otherwise the task ends.
    retryable = False


class ConfigurationError(OffloadError, ImproperlyConfigured):
    """TASKS or the environment is incomplete or contradicts itself."""

    def __init__(self, alias: str, problem: str, hint: str) -> None:
        self.alias, self.problem, self.hint = alias, problem, hint
        super().__init__(f"TASKS['{alias}']: {problem} {hint}")


class ResourceMissing(ConfigurationError):
    """A queue, table, bucket or function does not exist in AWS."""

    retryable = True

    def __init__(self, alias: str, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        super().__init__(
            alias,
            f"The {kind} '{name}' does not exist in the AWS account and region in use.",
            "Deploy the stack (on this machine: manage.py offload_local), or correct "
            "OPTIONS['stack'], AWS_DEFAULT_REGION or AWS_ENDPOINT_URL.",
        )


class SecretUnreadable(OffloadError):
    """A secret that the stage file refers to can't be read."""

    def __init__(self, name: str, reference: str, reason: str) -> None:
        self.name, self.reference = name, reference
        hint = "Create it in this account and region, or correct 'secrets' in the stage file and redeploy."
        super().__init__(f"The secret {name} couldn't be read from {reference}: {reason.rstrip('.')}. {hint}")


class DatabaseNotShared(OffloadError):
    """A database is on the disk of one function, so the other functions can't use it."""

    def __init__(self, aliases: Sequence[str]) -> None:
        self.aliases = tuple(aliases)
        problem = f"SQLite keeps the database {' and '.join(map(repr, aliases))} on the disk of one function"
        hint = "Use a database server, for example through a secret named DATABASE_URL."
        super().__init__(f"{problem}, so the web side and the workers can't share it. {hint}")


class InvalidArguments(OffloadError, InvalidTask, TypeError):
    """The arguments don't match the function, or they can't be written as JSON."""

    advice = "Pass numbers, text, lists and dictionaries; instead of a model instance, pass its primary key."

    def __init__(self, name: str, reason: str, advice: str = "") -> None:
        self.name, self.reason = name, reason
        super().__init__(f"The arguments of task {name} can't be sent: {reason}. {advice or self.advice}")


class PayloadTooLarge(InvalidArguments):
    """The arguments are too large to send without a bucket."""

    advice = "Set OPTIONS['bucket'], or write the data to a file or the database and pass its location."

    def __init__(self, name: str, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        reason = f"they have {size:,} bytes as JSON, and the limit without a bucket is {limit:,} bytes"
        super().__init__(name, reason)


class EnqueueFailed(OffloadError):
    """AWS confirmed neither the record nor the message."""

    def __init__(self, task_id: str, name: str, queue: str) -> None:
        self.task_id, self.name, self.queue = task_id, name, queue
        problem = f"Task id={task_id} name={name} couldn't be enqueued on queue '{queue}'"
        reason = "AWS confirmed neither its record nor its message. The chained exception shows the cause."
        super().__init__(f"{problem}, because {reason} Enqueue the task again when AWS answers.")


class TooManyEnqueues(OffloadError):
    """A task, or all tasks that descend from one, enqueued more than OPTIONS allow. No attempt follows."""

    def __init__(self, name: str, option: str, limit: int, whose: str) -> None:
        self.name, self.option, self.limit = name, option, limit
        other = " use enqueue_many()," if option == "enqueues_per_attempt" else ""
        super().__init__(
            f"Task {name} wasn't enqueued, because OPTIONS['{option}'] allows {limit:,} tasks {whose}. Look "
            f"for what enqueues so many,{other} or raise the option."
        )


class OutOfTime(OffloadError):
    """Too little time was left to start something. A worker gets the message again."""

    retryable = True

    def __init__(self, what: str) -> None:
        self.what = what
        problem = f"{what} wasn't started, because too little time was left. A worker gets the message again."
        hint = "Give its queue a longer timeout in OPTIONS['queues'] if this happens often"
        super().__init__(f"{problem} {hint}, and try again elsewhere.")


class UnknownTask(OffloadError):
    """No declared task module defines a task of this name."""

    retryable = True

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"No task is named '{name}'. Define it in the tasks module of an installed app, or in a module "
            "that OPTIONS['modules'] names. If you renamed it, add the old name to its aliases."
        )


class UnknownEvent(OffloadError):
    """A Lambda handler was invoked with another handler's event."""

    def __init__(self, handler: str, accepted: str) -> None:
        super().__init__(f"The {handler} handler accepts only {accepted}. Check what invokes this function.")


class UnreadableRecord(OffloadError):
    """A stored record has a value that django-offload never writes."""

    def __init__(self, task_id: str, problem: str) -> None:
        advice = "Something other than django-offload has written it. Fix or delete it in the table."
        super().__init__(f"The record of task {task_id} can't be read: {problem}. {advice}")


class StepTooLarge(OffloadError):
    """The return value of a step is too large to store beside the record."""

    def __init__(self, key: str, size: int, limit: int) -> None:
        hint = "Write the value to a file or the database, and return its location."
        super().__init__(f"Step '{key}' returned {size:,} bytes as JSON, and the limit is {limit:,}. {hint}")


class ClassNotImported(OffloadError, ImportError):
    """A stored error names a class that this process hasn't imported, or that is no exception class."""

    def __init__(self, class_path: object) -> None:
        problem = f"'{str(class_path)[:200]}' isn't imported here, and a stored result imports nothing"
        hint = "Use exception_class_path, or import the module that defines the class first."
        super().__init__(f"The exception class {problem}. {hint}")


class MessageRefused(OffloadError):
    """A message can't be read or verified. It changes no record."""


class MalformedMessage(MessageRefused):
    """The text isn't a message of django-offload."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        advice = "Check what else sends messages to this queue."
        super().__init__(f"This isn't a message of django-offload: {reason}. {advice}")


class UnknownVersion(MessageRefused):
    """Another release wrote the message in a version that this one can't read."""

    retryable = True

    def __init__(self, version: object, what: str = "The message") -> None:
        self.version = version
        hint = "Deploy the workers before the web side, or upgrade django-offload on the workers."
        super().__init__(f"{what} has version {short(version)}, which this release can't read. {hint}")


class UnknownKey(MessageRefused):
    """The message is signed with a key that is neither SECRET_KEY nor one of its fallbacks."""

    retryable = True

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(
            f"The message is signed with key {key_id}, which this process doesn't have. Give web and workers "
            "the same SECRET_KEY. Keep an old one in SECRET_KEY_FALLBACKS while its messages are under way."
        )


class BadSignature(MessageRefused):
    """The message was changed, or it is meant for another stack or queue."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        problem = f"The signature doesn't match the message on queue '{queue}'"
        hint = "Check who may send messages to this queue."
        super().__init__(f"{problem}. The message was changed, forged, or sent to another queue. {hint}")


def aws_message(message: object) -> str:
    """Return a message of AWS on one line, without the request that it may quote, and the session token."""
    return " ".join(str(message).partition("The Canonical String")[0].split())


class CallFailed(OffloadError):
    """AWS didn't confirm a call."""

    retryable = True


class NotConfigured(CallFailed):
    """The environment lacks the region, or something else that is needed to reach AWS."""

    def __init__(self, problem: str, hint: str = "Set AWS_DEFAULT_REGION, or correct ~/.aws/config.") -> None:
        super().__init__(f"AWS was not reached: {problem}. {hint}")


class LocalAWSMissing(NotConfigured):
    """A process in debug mode would have called AWS, although TASKS doesn't allow that."""

    retryable = False

    def __init__(self, aliases: Sequence[str]) -> None:
        self.aliases = tuple(aliases)
        entries = " and ".join(f"TASKS['{alias}']" for alias in self.aliases)
        hint = f"Start manage.py offload_local, or set OPTIONS['aws_in_debug'] = True in {entries}."
        super().__init__("DEBUG is on, and no local AWS runs for this project", hint)


class NoCredentials(NotConfigured):
    """The environment has no usable credentials."""

    def __init__(self, problem: str) -> None:
        hint = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        super().__init__(f"no credentials, because {problem}", hint)


class NoAnswer(CallFailed):
    """AWS couldn't be reached, didn't answer in time, or closed the connection during the answer."""

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        hint = "Check the network and AWS_ENDPOINT_URL, or start manage.py offload_local."
        super().__init__(f'AWS was not reached: {problem} "{url}". {hint}')


class StaleConnection(NoAnswer):
    """A reused connection was closed before it returned a byte of an answer."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "The connection was closed by the endpoint URL:")


class Refusal(CallFailed):
    """AWS answered with an error. `response` has the form that botocore's ClientError gives it."""

    def __init__(self, operation: str, status: int, response: dict[str, Any]) -> None:
        self.operation_name, self.status, self.response = operation, status, response
        self.code: str = response["Error"]["Code"]
        self.headers: Mapping[str, str] = response["ResponseMetadata"]["HTTPHeaders"]
        message = aws_message(response["Error"]["Message"]).rstrip(".")
        super().__init__(
            f"AWS refused {operation} with {self.code}{message and ': '}{message}. "
            "Look the code up in AWS's documentation of this action, and try again if the error is temporary."
        )


class ConditionalCheckFailedException(Refusal):
    """The condition of a write to DynamoDB doesn't hold."""


class ResourceNotFoundException(Refusal):
    """The table or function doesn't exist."""


class QueueDoesNotExist(Refusal):
    """The queue doesn't exist."""


class LeftOut(CallFailed):
    """AWS accepted a batch, but not this entry."""

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(f"AWS rejected an entry of {operation}: {reason.rstrip('.')}. Try again.")


class TaskEnded(OffloadError):
    """Why a record is FAILED, if the task didn't raise an exception of its own."""


class BadArguments(TaskEnded):
    """The arguments in the message don't match the function's signature."""

    def __init__(self, name: str, reason: str) -> None:
        advice = "Keep old parameters while messages use them, or enqueue the task again."
        problem = f"didn't run because its arguments don't match the function ({reason})"
        super().__init__(f"Task {name} {problem}. {advice}")


class Cancelled(TaskEnded):
    """The task was cancelled before it started or between two attempts, or it cancelled itself."""

    def __init__(self, message: str = "The task was cancelled. Enqueue it again to run it.") -> None:
        super().__init__(message)


class DeadLettered(TaskEnded):
    """All deliveries of the message were used up, and none had an outcome."""

    def __init__(self, cause: str) -> None:
        hint = "Look into the worker's log, fix the cause, and enqueue the task again."
        super().__init__(f"The task was given up: {cause}. {hint}")


class DeadlineExceeded(TaskEnded, TimeoutError):
    """Raised inside a task that reaches its time limit."""

    def __init__(self, limit_seconds: float | None = None) -> None:
        after = "" if limit_seconds is None else f" after {limit_seconds:.1f} s"
        hint = "Give it less work, or raise its timeout or that of its queue in OPTIONS['queues']."
        super().__init__(f"The task was stopped{after} because it reached its time limit. {hint}")


class Duplicate(TaskEnded):
    """Another task had the same unique key, so this one didn't run."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"The task didn't run, because task id={holder} does its work. Look at that one.")


class Expired(TaskEnded):
    """No worker took the task while its queue kept the message."""

    def __init__(self, days: int) -> None:
        problem = f"No worker took the task within {days} days, and its queue keeps a message no longer"
        hint = "Raise the queue's max_concurrency, look into the worker's log, and enqueue the task again."
        super().__init__(f"{problem} than that. {hint}")


class InvalidReturnValue(TaskEnded, TypeError):
    """The return value of a task or a step can't be written as JSON."""

    advice = "Return numbers, text, lists and dictionaries."

    def __init__(self, what: str, reason: str, advice: str = advice) -> None:
        self.reason = reason
        super().__init__(f"{what} ran, but its return value can't be stored: {reason}. {advice}")


class PayloadLost(TaskEnded):
    """Data of a task in S3 is gone or changed, or S3 denies access, which may be temporary."""

    def __init__(self, key: str, reason: str, *, retryable: bool = False) -> None:
        self.key, self.retryable = key, retryable
        hint = "Check the bucket's lifecycle rules and who may write to it, and enqueue the task again."
        super().__init__(f"The task's data in S3 under '{key}' is {reason}. {hint}")


class ResultTooLarge(TaskEnded):
    """The return value is too large to store."""

    def __init__(self, size: int, limit: int) -> None:
        hint = "Set OPTIONS['bucket'], or write the value to a file and return its location."
        problem = f"of {size:,} bytes as JSON is over the limit of {limit:,} without a bucket"
        super().__init__(f"The task ran, but its return value {problem}. {hint}")


class TransactionLeftOpen(TaskEnded):
    """The task returned inside a transaction, so what it wrote there was rolled back."""

    def __init__(self, name: str, databases: Sequence[str]) -> None:
        self.databases = tuple(databases)
        super().__init__(
            f"Task {name} returned before it ended its transaction on database {', '.join(databases)}, which "
            "was rolled back. Use `with transaction.atomic():`, and close a generator that contains it."
        )


class WorkerLost(TaskEnded):
    """The worker died (out of memory, hard timeout, crash) on every attempt."""

    def __init__(self, attempts: int) -> None:
        super().__init__(
            f"The worker died while it ran the task, on each of {attempts} attempts: it ran out of memory or "
            "time, or it crashed. Look into the worker's log, and give the queue more memory or time."
        )
