"""What somebody should look at: the alarms of a stack, as data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..worker.metrics import NAMESPACE, OLDEST_RUNNING_METRIC, STACK_DIMENSION
from . import parameters
from .async_invocation import invoked_asynchronously
from .names import (
    DEAD_LETTER,
    FAILED,
    SWEEPER,
    TABLE,
    WEB,
    dead_letter_queue_id,
    function_id,
    logical,
    queue_id,
    worker,
)
from .plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One metric of AWS, and from where on it is too much."""

    name: str
    says: str  # What is wrong, and what to do.
    metric: str  # "namespace name".
    dimensions: Mapping[str, object]
    above: object = 0
    statistic: str = "Sum"
    minutes: int = 5
    missing: object = "notBreaching"
    comparison: str = "GreaterThanThreshold"


def alarms(plan: Plan) -> Iterator[Alarm]:
    """Yield the alarms of a stack."""
    for name in plan.queues:
        yield from _of_a_queue(plan, name)
    yield from _of_the_functions(plan)
    yield from _of_the_stack(plan)


def _of_a_queue(plan: Plan, name: str) -> Iterator[Alarm]:
    from troposphere import GetAtt, Ref

    # The dead-letter function takes them within seconds: how many lie there mostly says none.
    yield Alarm(
        name=f"DeadLetters{logical(name)}",
        says=f"Dead letters on queue '{name}': manage.py offload_dead shows them.",
        metric="AWS/SQS NumberOfMessagesReceived",
        dimensions={"QueueName": GetAtt(dead_letter_queue_id(name), "QueueName")},
        minutes=1,
    )
    # What it does not take, nobody else does: a mapping that is paused, broken or throttled.
    yield Alarm(
        name=f"UntakenDeadLetters{logical(name)}",
        says=f"Dead letters of queue '{name}' are not taken: see {plan.options.function(DEAD_LETTER)}.",
        metric="AWS/SQS ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": GetAtt(dead_letter_queue_id(name), "QueueName")},
        statistic="Minimum",
        minutes=15,
    )
    yield Alarm(
        name=f"OldestMessage{logical(name)}",
        says=f"Messages wait long on queue '{name}': raise {parameters.concurrency(name)}, or see why.",
        metric="AWS/SQS ApproximateAgeOfOldestMessage",
        dimensions={"QueueName": GetAtt(queue_id(name), "QueueName")},
        above=Ref(parameters.OLDEST_MESSAGE),
        statistic="Maximum",
    )


def _of_the_functions(plan: Plan) -> Iterator[Alarm]:
    from troposphere import Ref

    roles = [*(worker(name) for name in plan.queues), DEAD_LETTER, SWEEPER]
    functions = {role: (plan.options.function(role), Ref(function_id(role))) for role in roles}
    functions[WEB] = ("the web function", Ref(parameters.WEB_FUNCTION))
    for role, (called, name) in functions.items():
        yield Alarm(
            name=f"Throttles{logical(role)}",
            says=f"Lambda had no room to start {called}: ask for a higher quota.",
            metric="AWS/Lambda Throttles",
            dimensions={"FunctionName": name},
        )
        yield Alarm(
            name=f"Errors{logical(role)}",
            says=f"Invocations of {called} fail, or are killed at a limit: see its log.",
            metric="AWS/Lambda Errors",
            dimensions={"FunctionName": name},
        )
    for role in invoked_asynchronously(plan):
        yield Alarm(
            name=f"Dropped{logical(role)}",
            says=f"Lambda gave up events of {plan.options.function(role)}: they are in {plan.failed_events}.",
            metric="AWS/Lambda AsyncEventsDropped",
            dimensions={"FunctionName": Ref(function_id(role))},
        )


def _of_the_stack(plan: Plan) -> Iterator[Alarm]:
    from troposphere import GetAtt, Ref

    yield Alarm(
        name="OldestRunning",
        says="A task has been RUNNING for too long: manage.py offload_doctor says why.",
        metric=f"{NAMESPACE} {OLDEST_RUNNING_METRIC}",
        dimensions={STACK_DIMENSION: plan.stack},
        above=Ref(parameters.OLDEST_RUNNING),
        statistic="Maximum",
    )
    yield Alarm(
        name="SweeperSilent",
        says="The sweeper does not run: what is lost is not sent again. See its log.",
        metric="AWS/Lambda Invocations",
        dimensions={"FunctionName": Ref(function_id(SWEEPER))},
        above=1,
        comparison="LessThanThreshold",
        # In a pause it is to be silent.
        missing=parameters.if_running("breaching", "notBreaching"),
    )
    yield Alarm(
        name="ThrottlesTable",
        says="DynamoDB refuses writes to the table for their rate: tasks are late.",
        metric="AWS/DynamoDB WriteThrottleEvents",
        dimensions={"TableName": Ref(TABLE)},
    )
    yield Alarm(
        name="FailedEvents",
        says=f"Events that no function took wait in {plan.failed_events}: look at them, then purge it.",
        metric="AWS/SQS ApproximateNumberOfMessagesVisible",
        dimensions={"QueueName": GetAtt(FAILED, "QueueName")},
        statistic="Maximum",
    )
