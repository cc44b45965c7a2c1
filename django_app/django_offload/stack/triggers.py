"""What starts the functions: event source mappings, and the sweeper's schedule."""

from typing import TYPE_CHECKING

from . import limits
from .names import (
    DEAD_LETTER,
    FAILED,
    SCHEDULE,
    SWEEPER,
    alias_id,
    dead_letter_queue_id,
    function_id,
    mapping_id,
    queue_id,
    worker,
)
from .parameters import concurrency, if_on_aws, if_running
from .plan import Plan
from .versions import invoked

if TYPE_CHECKING:
    from troposphere import Template


def add_mappings(template: "Template", plan: Plan) -> None:
    from troposphere import Ref

    for name, queue in plan.queues.items():
        window = limits.seconds(queue.batch_window)
        _add_mapping(
            template,
            worker(name),
            name,
            queue_id(name),
            queue.batch_size,
            window,
            Ref(concurrency(name)),
        )
    for name in plan.queues:
        _add_mapping(
            template,
            DEAD_LETTER,
            name,
            dead_letter_queue_id(name),
            limits.DEAD_LETTER_BATCH,
            0,
            limits.DEAD_LETTER_CONCURRENCY,
        )


def _add_mapping(
    template: "Template", role: str, name: str, source: str, batch: int, window: int, most: object
) -> None:
    from troposphere import GetAtt, awslambda

    template.add_resource(
        awslambda.EventSourceMapping(
            mapping_id(role, name),
            EventSourceArn=GetAtt(source, "Arn"),
            FunctionName=invoked(role),
            Enabled=if_running(True, False),
            BatchSize=batch,
            MaximumBatchingWindowInSeconds=window,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            # Not reserved concurrency: that over-polls and drives messages to the dead-letter queue.
            ScalingConfig=_scaling(most),
        )
    )


def _scaling(most: object) -> object:
    """Return the property as CloudFormation knows it; troposphere 4.11.1 has another resource's."""
    from troposphere import awslambda
    from troposphere.validators import integer

    class ScalingConfig(awslambda.ScalingConfig):  # type: ignore[misc]
        props = {"MaximumConcurrency": (integer, True)}  # noqa: RUF012

    return ScalingConfig(MaximumConcurrency=most)


def add_schedule(template: "Template", plan: Plan) -> None:
    from troposphere import GetAtt, Ref, awslambda, events

    template.add_resource(
        events.Rule(
            SCHEDULE,
            Name=plan.options.function(SWEEPER),
            Description=f"Starts the sweeper of {plan.stack}.",
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
    template.add_resource(
        awslambda.Permission(
            f"{SCHEDULE}Permission",
            Action="lambda:InvokeFunction",
            FunctionName=invoked(SWEEPER),
            Principal="events.amazonaws.com",
            SourceArn=GetAtt(SCHEDULE, "Arn"),
            SourceAccount=Ref("AWS::AccountId"),
        )
    )
