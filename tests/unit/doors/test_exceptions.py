"""The error tree is as drawn here, and every message ends with what to do."""

import re
from inspect import getmembers, isclass

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_offload import exceptions
from django_offload.compat import RENAMED, InvalidTask, TaskException
from django_offload.definition.task_modules import TaskModuleBroken
from django_offload.exceptions import OffloadError
from django_offload.operations.schedules import UnknownSchedule

CLASSES = {
    name: kind
    for name, kind in getmembers(exceptions, isclass)
    if issubclass(kind, OffloadError) and kind.__module__ == exceptions.__name__
}
ERROR = {"Code": "AccessDenied", "Message": "Not\nyou."}
EXAMPLES = [
    exceptions.ConfigurationError("default", "It is wrong.", "Fix it."),
    exceptions.ResourceMissing("default", "queue", "shop-default"),
    exceptions.InvalidArguments("shop.send", "Unsupported value"),
    exceptions.PayloadTooLarge("shop.send", 1_000_000, 300_000),
    exceptions.EnqueueFailed("0" * 32, "shop.send", "default"),
    exceptions.TooManyEnqueues("shop.send", "enqueues_per_attempt", 10_000, "in one attempt"),
    exceptions.TooManyEnqueues("shop.send", "enqueues_per_root", 100, f"below the task id={'0' * 32}"),
    exceptions.OutOfTime("A call to dynamodb"),
    exceptions.UnknownTask("shop.gone"),
    exceptions.UnknownEvent("worker", "a batch"),
    exceptions.MalformedMessage("it is not JSON"),
    exceptions.UnknownVersion(7),
    exceptions.UnknownKey("01234567"),
    exceptions.BadSignature("shop:default"),
    exceptions.BadArguments("shop.send", "missing a required argument: 'order'"),
    exceptions.Cancelled(),
    exceptions.DeadLettered("every delivery of its message failed"),
    exceptions.DeadlineExceeded(),
    exceptions.Duplicate("3f2b9c0de4a1487fb7d2a5c6e8f01234"),
    exceptions.DeadlineExceeded(12.5),
    exceptions.ResultTooLarge(1_000_000, 300_000),
    exceptions.InvalidReturnValue("Task shop.send", "it is a set"),
    exceptions.TransactionLeftOpen("shop.send", ["default"]),
    exceptions.WorkerLost(3),
    exceptions.Expired(7),
    exceptions.ClassNotImported("shop.errors.CardRefused"),
    exceptions.UnreadableRecord("0" * 32, "its attribute 'fence' is not a whole number"),
    exceptions.StepTooLarge("rows", 400_000, 300_000),
    exceptions.PayloadLost("payloads/x/arguments", "gone"),
    exceptions.SecretUnreadable("DATABASE_URL", "ssm:/shop/database", "there is no such parameter."),
    exceptions.DatabaseNotShared(["default"]),
    exceptions.NotConfigured("No region is named"),
    exceptions.LocalAWSMissing(["default"]),
    exceptions.NoCredentials("there are none"),
    exceptions.NoAnswer("https://q", "Could not connect to the endpoint URL:"),
    exceptions.StaleConnection("https://q"),
    *(
        kind("SendMessage", 400, {"Error": ERROR, "ResponseMetadata": {"HTTPHeaders": {}}})
        for kind in (
            exceptions.Refusal,
            exceptions.ConditionalCheckFailedException,
            exceptions.ResourceNotFoundException,
            exceptions.QueueDoesNotExist,
        )
    ),
    exceptions.LeftOut("SendMessageBatch", "InternalError, it failed."),
]
# They are beside what raises them.
OTHERS = [
    TaskModuleBroken("shop.tasks", "ModuleNotFoundError: No module named 'pandas'"),
    UnknownSchedule("nightly", []),
]
# Whoever catches an error relies on this tree.
TREE = """
OffloadError (django.tasks.exceptions.TaskException)
├── ConfigurationError (ImproperlyConfigured)   TASKS or the environment is wrong
│   └── ResourceMissing                         a queue, table, bucket or function doesn't exist
├── SecretUnreadable                            a secret of the stage file is missing or can't be read
├── DatabaseNotShared                           each deployed function would have its own database
├── InvalidArguments (InvalidTask, TypeError)   the function doesn't take the arguments, or JSON can't
│   └── PayloadTooLarge                         the arguments are too large without a bucket
├── EnqueueFailed                               AWS confirmed neither the record nor the message
├── TooManyEnqueues                             a task, or all below one, enqueued more than OPTIONS allow
├── OutOfTime                                   an invocation ends too soon to start something
├── UnknownTask                                 no declared task module defines a task of this name
├── UnreadableRecord                            a stored record has a value that nobody here wrote
├── StepTooLarge                                a step returned more than can be stored
├── ClassNotImported (ImportError)              the class of a stored error isn't imported here
├── UnknownEvent                                a handler was invoked with another handler's event
├── MessageRefused                              a message that can't be read or verified
│   ├── MalformedMessage                        it isn't a message of django-offload
│   ├── UnknownVersion                          another release wrote it
│   ├── UnknownKey                              this process doesn't have the key that signed it
│   └── BadSignature                            it was changed, or is meant for another queue
├── CallFailed                                  AWS didn't confirm a call
│   ├── NotConfigured                           no region, or certificates that can't be read
│   │   ├── LocalAWSMissing                     DEBUG is on, and no local AWS runs for this project
│   │   └── NoCredentials                       no credentials to call with
│   ├── NoAnswer                                no connection, or no complete answer in time
│   │   └── StaleConnection                     a reused connection was closed before any answer
│   ├── Refusal                                 AWS answered with an error
│   │   ├── ConditionalCheckFailedException
│   │   ├── ResourceNotFoundException
│   │   └── QueueDoesNotExist
│   └── LeftOut                                 AWS accepted a batch, but not this entry
└── TaskEnded                                   why a record is FAILED, if the task raised nothing
    ├── BadArguments                            the arguments don't match the function
    ├── Cancelled                               somebody cancelled it
    ├── DeadLettered                            its deliveries were used up
    ├── DeadlineExceeded (TimeoutError)         it reached its time limit
    ├── Duplicate                               another task had its unique key
    ├── Expired                                 no worker took it within the queue's retention
    ├── InvalidReturnValue (TypeError)          JSON can't carry what it or one of its steps returned
    ├── PayloadLost                             its arguments or result in S3 are gone or changed
    ├── ResultTooLarge                          its return value is too large to store
    ├── TransactionLeftOpen                     it returned inside a transaction, which was rolled back
    └── WorkerLost                              its worker died, on every attempt
"""
ABSTRACT = {"OffloadError", "MessageRefused", "TaskEnded", "CallFailed"}
# A sentence that says what to do starts like this.
ADVICE = re.compile(
    r"(?:^|[.;] |, and |\): )"
    r"(?:Deploy|Define|Pass|Return|Enqueue|Check|Give|Set|Write|Keep|Look|Raise|Fix|Use|Call|Create|Name|Start|Try|"
    r"Correct|Declare)\b"
)


def drawn():
    """Return (name, parent, other bases) of every class in the drawing."""
    path = []
    for line in TREE.splitlines():
        match = re.match(r"([│├└─ ]*)([A-Z]\w+)(?: \(([\w., ]+)\))?", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            yield match[2], path[depth - 1] if depth else None, match[3]


def test_the_drawing_shows_every_class_once_under_its_parent():
    rows = list(drawn())
    names = {backport: name for name, backport in RENAMED.items()}

    assert sorted(name for name, _, _ in rows) == sorted(CLASSES)
    for name, parent, others in rows:
        bases = [names.get(base.__name__, base.__name__) for base in CLASSES[name].__bases__]
        expected = [parent] if parent else []
        expected += [base.rpartition(".")[2] for base in (others or "").split(", ") if base]
        assert bases == expected, f"{name} is drawn under {expected} and derives from {bases}"


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.__name__)
def test_every_class_says_in_one_sentence_what_it_means(kind):
    assert re.match(r"[A-Z`].+[.]", kind.__doc__ or ""), f"{kind.__name__} needs a sentence."


def test_there_is_an_example_of_every_class():
    assert {type(example).__name__ for example in EXAMPLES} | ABSTRACT == set(CLASSES)


@pytest.mark.parametrize("error", [*EXAMPLES, *OTHERS], ids=lambda error: type(error).__name__)
def test_every_message_is_sentences_that_end_with_what_to_do(error):
    text = str(error)

    assert text.endswith("."), text
    assert ADVICE.search(text), f"It doesn't say what to do: {text}"
    assert "\n" not in text


def test_django_catches_what_is_its_own():
    assert issubclass(OffloadError, TaskException)
    assert issubclass(exceptions.InvalidArguments, InvalidTask)
    assert issubclass(exceptions.ConfigurationError, ImproperlyConfigured)
    assert issubclass(exceptions.DeadlineExceeded, TimeoutError)
    assert issubclass(exceptions.ClassNotImported, ImportError)


def test_errors_that_newer_code_or_a_key_can_fix_are_retryable():
    retryable = {name for name, kind in CLASSES.items() if kind.retryable}
    calls = {name for name, kind in CLASSES.items() if issubclass(kind, exceptions.CallFailed)}

    assert calls - retryable == {"LocalAWSMissing"}  # Somebody must start it first.
    assert retryable - calls == {
        "OutOfTime",
        "ResourceMissing",
        "UnknownTask",
        "UnknownVersion",
        "UnknownKey",
    }


def test_errors_keep_the_facts():
    failed = exceptions.EnqueueFailed("0" * 32, "shop.send", "default")

    assert (failed.task_id, failed.name, failed.queue) == ("0" * 32, "shop.send", "default")
    assert "0" * 32 in str(failed)
