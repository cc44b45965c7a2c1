"""
Every error of django-offload.

    OffloadError (django.tasks.exceptions.TaskException)
    ├── ConfigurationError (ImproperlyConfigured)   TASKS or the environment is wrong
    │   └── ResourceMissing                         a queue, table, bucket or function is not there
    ├── SecretUnreadable                            a secret of the stage file is not there, or not ours
    ├── DatabaseNotShared                           deployed functions would each have a database of their own
    ├── InvalidArguments (InvalidTask)              enqueue() was given what JSON cannot carry
    │   └── PayloadTooLarge                         … or more of it than a message can carry
    ├── EnqueueFailed                               neither the record nor the message was accepted
    ├── OutOfTime                                   an invocation ends too soon to begin something
    ├── UnknownTask                                 a name that no declared task module defines
    ├── StepTooLarge                                a step returned more than can be kept
    ├── UnknownEvent                                a handler was invoked with an event not its own
    ├── MessageRefused                              a delivery that cannot be trusted or read
    │   ├── MalformedMessage                        not JSON of ours
    │   ├── UnknownVersion                          written by another release
    │   ├── UnknownKey                              signed with a key this process does not have
    │   └── BadSignature                            changed on its way, or meant for another queue
    ├── CallFailed                                  AWS did not do what it was asked, as far as it answered
    │   ├── NotConfigured                           no region, or certificates that cannot be read
    │   │   └── NoCredentials                       nobody to call as
    │   ├── NoAnswer                                no connection, no answer in time, or one that breaks off
    │   │   └── StaleConnection                     … on a connection kept from before, with nothing read
    │   ├── Refusal                                 AWS said no
    │   │   ├── ConditionalCheckFailedException
    │   │   ├── ResourceNotFoundException
    │   │   └── QueueDoesNotExist
    │   └── LeftOut                                 AWS took a batch, but for this entry
    └── TaskEnded                                   why a record is FAILED, where the task did not raise
        ├── BadArguments                            the arguments do not fit the function
        ├── Cancelled                               somebody cancelled it
        ├── DeadLettered                            its deliveries were used up
        ├── DeadlineExceeded (TimeoutError)         it ran into its time limit
        ├── Expired                                 no worker took it within the queue's retention
        ├── PayloadLost                             its arguments or result, kept in S3, are gone or changed
        ├── ResultTooLarge                          its return value does not fit
        └── WorkerLost                              its worker died, on every attempt

local/errors.py draws the branch of AWS on this machine, deploy/errors.py that of packages and deployments.

The call passes facts, the class writes the sentence, which ends with what to do.
Refusals that somebody catches have a class of their own, named as boto3 names it.
`retryable` decides, where a delivery raises it, between redelivery and an end.
"""

from collections.abc import Mapping, Sequence
from reprlib import repr as short
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.tasks.exceptions import InvalidTask, TaskException

CHECK_THE_NETWORK = "Check the network and AWS_ENDPOINT_URL, or start manage.py offload_local."


class OffloadError(TaskException):
    """Base class of all errors of django-offload."""

    # May another delivery of the same message succeed?
    retryable = False


class ConfigurationError(OffloadError, ImproperlyConfigured):
    """TASKS, or the environment, contradicts itself or lacks something."""

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
    """A secret that the stage refers to cannot be read."""

    def __init__(self, name: str, reference: str, reason: str) -> None:
        self.name, self.reference = name, reference
        super().__init__(
            f"The secret {name} was not read from {reference}: {reason.rstrip('.')}. Create it there (in "
            "this account and region), or correct 'secrets' in the stage's file and deploy again."
        )


class DatabaseNotShared(OffloadError):
    """A database lies on the disk of one function, where no other one sees it."""

    def __init__(self, aliases: Sequence[str]) -> None:
        self.aliases = tuple(aliases)
        super().__init__(
            f"SQLite keeps the database {' and '.join(repr(alias) for alias in aliases)} on the disk of one "
            "function; web and workers share none. Name a server, for example by a secret DATABASE_URL."
        )


class InvalidArguments(OffloadError, InvalidTask):
    """The arguments cannot be written as JSON."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(
            f"The arguments of task {name} cannot be sent: {reason}. "
            "Pass numbers, text, lists and dictionaries; of a model instance, pass its key."
        )


class PayloadTooLarge(InvalidArguments):
    """The arguments are larger than a message may be."""

    def __init__(self, name: str, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(name, f"they are {size:,} bytes as JSON and the limit without a bucket is {limit:,}")


class EnqueueFailed(OffloadError):
    """AWS accepted neither the record nor the message."""

    def __init__(self, task_id: str, name: str, queue: str) -> None:
        self.task_id, self.name, self.queue = task_id, name, queue
        super().__init__(
            f"Task id={task_id} name={name} was not enqueued: AWS did not accept what keeps it, as far as it "
            f"answered (queue '{queue}'). The cause is chained to this error. "
            "Enqueue it again when AWS answers."
        )


class OutOfTime(OffloadError):
    """Too little time was left: something was not begun, and the delivery comes again."""

    retryable = True

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"{what} was not begun, since this invocation ends too soon; the message comes again. "
            "Give the queue a longer timeout in OPTIONS['queues'] if this happens often."
        )


class UnknownTask(OffloadError):
    """No declared task module defines a task of this name."""

    retryable = True

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"No task is named '{name}'. Define it in the tasks module of an installed app or in a "
            "module named in OPTIONS['modules']; for a renamed task, add the old name to its aliases."
        )


class UnknownEvent(OffloadError):
    """A Lambda handler was invoked with an event that is not its own."""

    def __init__(self, handler: str, accepted: str) -> None:
        super().__init__(
            f"The {handler} handler accepts {accepted} and nothing else. Check what invokes this function."
        )


class StepTooLarge(OffloadError):
    """What a step returned is larger than can be kept beside the record."""

    def __init__(self, key: str, size: int, limit: int) -> None:
        super().__init__(
            f"Step '{key}' returned {size:,} bytes as JSON; {limit:,} can be kept. "
            "Write it to a file or the database and return where it is."
        )


class MessageRefused(OffloadError):
    """A delivery that cannot be trusted or read; it touches no record."""


class MalformedMessage(MessageRefused):
    """Not a message of django-offload."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"Not a message of django-offload: {reason}. Check what else sends to this queue.")


class UnknownVersion(MessageRefused):
    """A message of a release that this one cannot read."""

    retryable = True

    def __init__(self, version: object) -> None:
        self.version = version
        super().__init__(
            f"The message has version {short(version)}, which this release cannot read. "
            "Deploy the workers before the web side, or upgrade django-offload there."
        )


class UnknownKey(MessageRefused):
    """Signed with a key that is neither SECRET_KEY nor among its fallbacks."""

    retryable = True

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        super().__init__(
            f"The message is signed with key {key_id}, unknown here. Give web and workers the same "
            "SECRET_KEY, and keep the old one in SECRET_KEY_FALLBACKS while its messages are under way."
        )


class BadSignature(MessageRefused):
    """The message was changed, or is meant for another stack or queue."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        super().__init__(
            f"The signature does not fit the message on queue '{queue}': it was changed on its way, forged, "
            "or sent to another queue. Check who may send to this queue."
        )


def told(message: object) -> str:
    """
    Return what AWS says, on one line.

    What it says of a signature goes on with the request as it should have been, session token included.
    """
    return " ".join(str(message).partition("The Canonical String")[0].split())


class CallFailed(OffloadError):
    """AWS did not do what it was asked, as far as it answered."""

    retryable = True


class NotConfigured(CallFailed):
    """The environment does not say where AWS is."""

    def __init__(self, problem: str, hint: str = "Set AWS_DEFAULT_REGION, or correct ~/.aws/config.") -> None:
        super().__init__(f"AWS was not reached: {problem}. {hint}")


class NoCredentials(NotConfigured):
    """The environment does not say who calls."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"no credentials, for {problem}",
            "Give credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )


class NoAnswer(CallFailed):
    """No connection, no answer in time, or one that breaks off."""

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        super().__init__(f'AWS was not reached: {problem} "{url}". {CHECK_THE_NETWORK}')


class StaleConnection(NoAnswer):
    """A kept connection turned out to be closed before anything of an answer was read."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "The connection was closed by the endpoint URL:")


class Refusal(CallFailed):
    """AWS answered that it did not do it; `response` is what botocore's ClientError would carry."""

    def __init__(self, operation: str, status: int, response: dict[str, Any]) -> None:
        self.operation_name, self.status, self.response = operation, status, response
        self.code: str = response["Error"]["Code"]
        self.headers: Mapping[str, str] = response["ResponseMetadata"]["HTTPHeaders"]
        said = told(response["Error"]["Message"]).rstrip(".")
        super().__init__(
            f"AWS refused {operation} with {self.code}{said and ': '}{said}. "
            "Look the code up in AWS's documentation of this action; if it should pass, try again."
        )


class ConditionalCheckFailedException(Refusal):
    """DynamoDB found the condition of a write not to hold."""


class ResourceNotFoundException(Refusal):
    """There is no such table, or no such function."""


class QueueDoesNotExist(Refusal):
    """There is no such queue."""


class LeftOut(CallFailed):
    """AWS took a batch, but for this entry."""

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(f"AWS left an entry out of {operation}: {reason.rstrip('.')}. Try again.")


class TaskEnded(OffloadError):
    """Why a record is FAILED, where it was not the task's own exception."""


class BadArguments(TaskEnded):
    """The arguments in the message do not fit the function's signature."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"Task {name} did not run: its arguments do not fit the function ({reason}). "
            "Keep old parameters while their messages are under way, or enqueue it again."
        )


class Cancelled(TaskEnded):
    """Cancelled before it started, or between two attempts, or by its own choice."""

    def __init__(self, message: str = "The task was cancelled. Enqueue it again to run it.") -> None:
        super().__init__(message)


class DeadLettered(TaskEnded):
    """Its deliveries were used up without an outcome."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"The task was given up: {cause}. Look into the worker's log, mend the cause, enqueue it again."
        )


class DeadlineExceeded(TaskEnded, TimeoutError):
    """Raised inside a task that is about to run out of time."""

    def __init__(self, limit_seconds: float | None = None) -> None:
        after = "" if limit_seconds is None else f" after {limit_seconds:.1f} s"
        super().__init__(
            f"The task was stopped{after}, at its time limit. Give it a larger timeout "
            "(on the task, or the queue's in OPTIONS['queues']) or less work."
        )


class Expired(TaskEnded):
    """No worker took it for as long as its queue keeps messages."""

    def __init__(self, days: int) -> None:
        super().__init__(
            f"No worker took the task within {days} days, which is as long as its queue keeps a message. "
            "Raise the queue's max_concurrency, look into the worker's log, and enqueue it again."
        )


class PayloadLost(TaskEnded):
    """What was kept in S3 for a task is gone, or is not what was kept; or S3 denies it, and that may pass."""

    def __init__(self, key: str, reason: str, *, retryable: bool = False) -> None:
        self.key, self.retryable = key, retryable
        super().__init__(
            f"What the task keeps in S3 under '{key}' is {reason}. Check the bucket's lifecycle and who may "
            "write to it; enqueue the task again."
        )


class ResultTooLarge(TaskEnded):
    """The return value is larger than a record can keep."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"The task ran, but its return value of {size:,} bytes as JSON is over the limit of {limit:,} "
            "without a bucket. Set OPTIONS['bucket'], or write it to a file and return where that is."
        )


class WorkerLost(TaskEnded):
    """The worker died (out of memory, hard timeout, crash) on every attempt."""

    def __init__(self, attempts: int) -> None:
        super().__init__(
            f"The worker died while it ran the task, on each of {attempts} attempts (out of memory, hard "
            "timeout, or a crash of the interpreter). Look into the worker's log; give the queue more memory."
        )
