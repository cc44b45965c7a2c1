"""How each case of the troubleshooting page comes about, by the words that tell it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError
from django.db import transaction

from django_offload.aws import clients
from django_offload.compat import TASKS
from django_offload.conf import Options, configured
from django_offload.definition.registry import Registry
from django_offload.deploy.scaffold import checks
from django_offload.exceptions import (
    BadArguments,
    DeadLettered,
    DeadlineExceeded,
    Expired,
    InvalidReturnValue,
    ResultTooLarge,
    TooManyEnqueues,
    TransactionLeftOpen,
    UnknownTask,
    WorkerLost,
)
from django_offload.management.doctor import functions, project, storage
from django_offload.operations import schedules
from django_offload.protocol.transitions import report
from django_offload.protocol.unique_key import end_as_duplicate
from tests.contract import tasks as contract
from tests.docs import packaging
from tests.docs.world import World
from tests.integration.setup import Queues, enqueued_before, store
from tests.unit import tasks

# Brings a case about, and returns the id of the task it is about.
Case = Callable[[World], str]
NOBODY = "0" * 32
LONG, OVER = timedelta(hours=1), timedelta(minutes=1)


def ada() -> str:
    return "user:7"


def waits_for_its_time(world: World) -> str:
    return tasks.double.using(run_after=datetime.now(UTC) + timedelta(minutes=5)).enqueue(1).id


def is_in_the_queue(world: World) -> str:
    return tasks.double.enqueue(1).id


def is_taken(world: World) -> str:
    """A worker has one message, and has not answered; another one waits."""
    tasks.double.enqueue(1)
    Queues(world.aws.client("sqs")).take(limit=1)
    return is_in_the_queue(world)


def was_rolled_back(world: World) -> str:
    with transaction.atomic():
        result = tasks.double.enqueue(1)
        transaction.set_rollback(True)
    return result.id


def has_a_new_queue(world: World) -> str:
    world.queues("default", "reports", "photos")
    return tasks.double.enqueue(1).id


def waits_for_a_day(world: World) -> str:
    result = tasks.double.enqueue(1)
    enqueued_before(result.id, timedelta(days=1))
    return result.id


def lost_its_message(world: World) -> str:
    result = tasks.double.enqueue(1)
    world.lose(result)
    return result.id


def is_at_work(world: World) -> str:
    result = tasks.double.enqueue(1)
    world.claim(result, lease=LONG)
    comes_to(result.id, 3)
    return result.id


def comes_to(task_id: str, done: int) -> None:
    """Let the worker that is at a task tell that it has done so many of ten."""
    progress = {"done": done, "total": 10, "message": f"step {done}"}
    store().change(task_id, report(fence=1, token="another", progress=progress))


def lost_its_worker(world: World) -> str:
    result = tasks.double.enqueue(1)
    world.claim(result, lease=OVER)
    world.lose(result)
    return result.id


def has_no_sweeper(world: World) -> str:
    result = tasks.double.enqueue(1)
    world.claim(result, lease=LONG)
    world.lose(result)
    return result.id


def failed_in_every_way(world: World) -> str:
    for error in (
        DeadlineExceeded(5),
        BadArguments("shop.tasks.send", "missing a required argument"),
        ResultTooLarge(400_000, 300_000),
        InvalidReturnValue("Task shop.tasks.send", "Unsupported type: <class 'set'>"),
        TransactionLeftOpen("shop.tasks.send", ["default"]),
        TooManyEnqueues("shop.tasks.send", "enqueues_per_attempt", 10_000, "in one attempt"),
    ):
        world.give_up(tasks.double.enqueue(1), error)
    result = contract.raises_value_error.enqueue()
    world.aws.run()
    return result.id


def is_a_duplicate(world: World) -> str:
    first, second = tasks.double.enqueue(1), tasks.double.enqueue(1)
    seen = store().get(second.id)
    change = end_as_duplicate(first.id, seen, now=datetime.now(UTC), result_ttl=LONG)
    store().change(second.id, change)
    return second.id


def was_given_up_in_every_way(world: World) -> str:
    world.bucket().put("dead/default/2026-03-01/m1", b"junk")
    for error in (WorkerLost(3), UnknownTask("shop.tasks.old"), DeadLettered("13 receipts"), Expired(7)):
        result = tasks.double.enqueue(1)
        world.give_up(result, error)
    return result.id


def lost_a_worker_and_went_on(world: World) -> str:
    world.aws.kill_next()
    return ran(world)


def ran(world: World) -> str:
    result = tasks.double.enqueue(1)
    world.aws.run()
    return result.id


def has_neither_pages_nor_middleware(world: World) -> str:
    world.settings.ROOT_URLCONF = "tests.scaffold.no_urls"
    world.settings.MIDDLEWARE = []
    return ran(world)


def is_adas(world: World) -> str:
    world.queues("default", "reports", owner="tests.docs.symptoms.ada")
    return ran(world)


def has_another_backend(world: World) -> str:
    world.settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}
    return NOBODY


def has_no_tasks(world: World) -> str:
    world.patch.setattr(checks, "registry_or_none", lambda: Registry([]))
    return NOBODY


def has_nobody_to_ask(world: World) -> str:
    world.away()
    return NOBODY


def has_an_old_key(world: World) -> str:
    # The fixture's server requires none.
    world.patch.setattr(world.aws._aws.server._server, "access_key", "LOCALNEW")
    world.patch.setenv("AWS_ACCESS_KEY_ID", "LOCALOLD")
    clients.reset_clients()
    return NOBODY


def is_paused(world: World) -> str:
    world.patch.setattr(functions, "is_local_aws", lambda: False)
    return NOBODY


def may_not(world: World) -> str:
    def refused() -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetQueueAttributes")

    world.patch.setattr(project, "check_settings", refused)
    return NOBODY


def has_anothers_bucket(world: World) -> str:
    class Forbidding:
        def head_bucket(self, Bucket: str) -> None:
            raise ClientError({"Error": {"Code": "403"}}, "HeadBucket")

    own = storage.client
    world.patch.setattr(storage, "client", lambda service: Forbidding() if service == "s3" else own(service))
    return NOBODY


def lost_its_result(world: World) -> str:
    result = contract.echo.enqueue("x" * 400_000)
    world.aws.run()
    payloads = world.bucket()
    for kept in list(payloads.objects_under("")):
        payloads.delete(kept.key)
    return result.id


# Columns of a table: their headings are always there, and what tells is the number below.
COUNTS = {"waiting": 1, "in flight": 1}


def recurs(world: World) -> Options:
    """Give the project a task that recurs."""
    world.queues("default", modules=["tests.contract.scheduled_tasks"])
    return configured()["default"]


def is_paused_by_somebody(world: World) -> str:
    schedules.pause(recurs(world), "sync")
    return NOBODY


def takes_too_long(world: World) -> str:
    options, now = recurs(world), datetime.now(UTC)
    schedules.run_now(options, "sync", now - OVER)
    return schedules.run_now(options, "sync", now)


def has_not_been_due(world: World) -> str:
    recurs(world)
    return NOBODY


def has_no_schedule(world: World) -> str:
    return NOBODY


CASES: dict[str, dict[str, Case]] = {
    "My task stays READY": {
        "run_after": waits_for_its_time,
        "There is no task with the id": was_rolled_back,
        "The queue … does not exist.": has_a_new_queue,
        "No event source mapping feeds": has_a_new_queue,
        "stayed READY, probably": lost_its_message,
        "READY for more than … hours": waits_for_a_day,
        "No problems found.": is_in_the_queue,
    },
    "It is RUNNING for long": {
        "RUNNING … of …": is_at_work,
        "stayed RUNNING after the worker died": lost_its_worker,
        "stayed RUNNING without a check": has_no_sweeper,
    },
    "It failed": {
        "Traceback": failed_in_every_way,
        "DeadlineExceeded": failed_in_every_way,
        "BadArguments": failed_in_every_way,
        "ResultTooLarge": failed_in_every_way,
        "InvalidReturnValue": failed_in_every_way,
        "TransactionLeftOpen": failed_in_every_way,
        "TooManyEnqueues": failed_in_every_way,
        "duplicate_of": is_a_duplicate,
    },
    "It ran twice": {"attempts … 2": lost_a_worker_and_went_on, "attempts … 1": ran},
    "A recurring task does not run": {
        "paused … since": is_paused_by_somebody,
        "was skipped, because the task of an earlier occurrence": takes_too_long,
        "none yet": has_not_been_due,
        "No recurring tasks.": has_no_schedule,
    },
    "The page answers 404": {
        "No page shows the status of a task": has_neither_pages_nor_middleware,
        "Tasks have no owner": has_neither_pages_nor_middleware,
        "owner … user:": is_adas,
        "There is no task with the id": was_rolled_back,
    },
    "There are dead letters": {
        "WorkerLost": was_given_up_in_every_way,
        "UnknownTask": was_given_up_in_every_way,
        "DeadLettered": was_given_up_in_every_way,
        "Expired": was_given_up_in_every_way,
        "Messages that failed verification:": was_given_up_in_every_way,
    },
    "Nothing happens on my machine": {
        "TASKS names none of its backends": has_another_backend,
        "No task module defines a task.": has_no_tasks,
        "AWS was not reached": has_nobody_to_ask,
        "AWS refused … with InvalidClientTokenId": has_an_old_key,
        "waiting": is_in_the_queue,
    },
    "Messages pile up": {"in flight": is_taken, "Disabled:": is_paused},
    "AccessDenied": {
        "AWS refused … with AccessDenied": may_not,
        "Access to the bucket … is denied": has_anothers_bucket,
    },
    "Works here, not in Lambda": {
        "not in git, so left out": packaging.in_a_repository,
        "lambdas/requirements": packaging.in_a_repository,
        "tasks: not listed": packaging.in_a_repository,
    },
    "enqueue() raises": {
        "AWS was not reached": has_nobody_to_ask,
        "The queue … does not exist.": has_a_new_queue,
        "No problems found.": is_in_the_queue,
    },
    "The result is gone": {"There is no task with the id": was_rolled_back, "lost_result": lost_its_result},
}
