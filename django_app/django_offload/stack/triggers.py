"""What starts the functions: event source mappings, the sweeper's schedule, and asynchronous invocations."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from ..worker.sweep_event import SHARDS_ALIAS
from . import limits
from .names import (
    DEAD_LETTER,
    FAILED,
    SCHEDULE,
    SHARDS_ALIAS_ID,
    SWEEPER,
    alias_id,
    dead_letter_queue_id,
    function_id,
    mapping_id,
    queue_id,
    worker,
)
from .parameters import ON_AWS, concurrency_parameter, if_on_aws, if_running
from .spec import StackSpec
from .versions import LIVE, invocation_target

if TYPE_CHECKING:
    from troposphere import Template


def add_mappings(template: "Template", spec: StackSpec) -> None:
    from troposphere import Ref, awslambda

    for name, queue in spec.queues.items():
        window = limits.seconds(queue.batch_window)
        # Reserved concurrency would receive more messages than it can start, until they are dead letters.
        scaling = maximum_concurrency(Ref(concurrency_parameter(name)))
        if queue.pollers is not None:
            least, most = queue.pollers
            scaling = {
                "ProvisionedPollerConfig": awslambda.ProvisionedPollerConfig(
                    MinimumPollers=least, MaximumPollers=most
                )
            }
        # Reads a queue and starts its worker with the messages.
        add_mapping(template, worker(name), name, queue_id(name), queue.batch_size, window, scaling)
    size, scaling = limits.DEAD_LETTER_BATCH, maximum_concurrency(limits.DEAD_LETTER_CONCURRENCY)
    for name in spec.queues:
        # Reads a dead-letter queue and starts the dead-letter function with the messages.
        add_mapping(template, DEAD_LETTER, name, dead_letter_queue_id(name), size, 0, scaling)


def maximum_concurrency(most: object) -> dict[str, object]:
    """Return the property of a mapping that limits how many of its function's invocations run at a time."""
    from troposphere import awslambda
    from troposphere.validators import integer

    # troposphere 4.11.1 defines this property as that of another resource.
    class ScalingConfig(awslambda.ScalingConfig):  # type: ignore[misc]
        props = {"MaximumConcurrency": (integer, True)}  # noqa: RUF012

    return {"ScalingConfig": ScalingConfig(MaximumConcurrency=most)}


def add_mapping(
    template: "Template",
    role: str,
    queue_name: str,
    source_id: str,
    batch_size: int,
    batch_window: int,
    scaling: Mapping[str, object],
) -> None:
    """Add the event source mapping that feeds a function from the queue with the logical id `source_id`."""
    from troposphere import GetAtt, awslambda

    template.add_resource(
        awslambda.EventSourceMapping(
            mapping_id(role, queue_name),
            EventSourceArn=GetAtt(source_id, "Arn"),
            FunctionName=invocation_target(role),
            Enabled=if_running(True, False),
            BatchSize=batch_size,
            MaximumBatchingWindowInSeconds=batch_window,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            **scaling,
        )
    )


def add_sweeper_schedule(template: "Template", spec: StackSpec) -> None:
    from troposphere import GetAtt, Ref, awslambda, events

    # Starts the sweeper each minute.
    template.add_resource(
        events.Rule(
            SCHEDULE,
            Name=spec.options.function(SWEEPER),
            Description=f"Starts the sweeper of {spec.stack}.",
            ScheduleExpression="rate(1 minute)",
            State=if_running("ENABLED", "DISABLED"),
            Targets=[
                events.Target(
                    Id=SWEEPER,
                    Arn=if_on_aws(Ref(alias_id(SWEEPER)), GetAtt(function_id(SWEEPER), "Arn")),
                    DeadLetterConfig=events.DeadLetterConfig(Arn=GetAtt(FAILED, "Arn")),
                )
            ],
        )
    )
    # Allows that rule, and no other, to start the sweeper.
    template.add_resource(
        awslambda.Permission(
            f"{SCHEDULE}Permission",
            Action="lambda:InvokeFunction",
            FunctionName=invocation_target(SWEEPER),
            Principal="events.amazonaws.com",
            SourceArn=GetAtt(SCHEDULE, "Arn"),
            SourceAccount=Ref("AWS::AccountId"),
        )
    )


def invoked_asynchronously(spec: StackSpec) -> list[str]:
    """Return the functions whose events don't come from a queue."""
    return [*(worker(name) for name in spec.queues if spec.sends_by_lambda), SWEEPER]


def add_event_limits(template: "Template", spec: StackSpec) -> None:
    """Limit how often and how long Lambda tries an event. The queue of failed events gets the rest."""
    for role in invoked_asynchronously(spec):
        # The next sweep starts within a minute, so a failed one isn't retried. An event of a schedule is.
        sweeps_only = role == SWEEPER and not spec.schedules
        retries, age = (0, limits.SWEEP_AGE) if sweeps_only else (limits.EVENT_RETRIES, limits.EVENT_AGE)
        # Limits how often and how long Lambda tries an event of a function.
        add_event_limit(template, role, LIVE, alias_id(role), retries, age)
    # Gives up a part of a backlog at once, because the next sweep finds the same records.
    add_event_limit(template, SWEEPER, SHARDS_ALIAS, SHARDS_ALIAS_ID, 0, limits.SWEEP_AGE)


def add_event_limit(
    template: "Template", role: str, alias: str, logical_id: str, retries: int, age: timedelta
) -> None:
    """Limit the events of one alias of a function. Each alias has limits of its own."""
    from troposphere import GetAtt, Ref, awslambda

    template.add_resource(
        awslambda.EventInvokeConfig(
            f"Events{logical_id.removeprefix('Alias')}",
            FunctionName=Ref(function_id(role)),
            Qualifier=alias,
            MaximumRetryAttempts=retries,
            MaximumEventAgeInSeconds=limits.seconds(age),
            DestinationConfig=awslambda.DestinationConfig(
                OnFailure=awslambda.OnFailure(Destination=GetAtt(FAILED, "Arn"))
            ),
            Condition=ON_AWS,
            DependsOn=logical_id,
        )
    )
