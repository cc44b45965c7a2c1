"""What starts the functions: event source mappings, and the sweeper's schedule."""

from typing import TYPE_CHECKING

from . import limits
from .names import DEAD_LETTER, SWEEPER, dead_letter_queue_id, function_id, mapping_id, queue_id, worker
from .parameters import if_enabled
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template

_RULE = "SweeperSchedule"


def add_mappings(template: "Template", plan: Plan) -> None:
    for name, queue in plan.queues.items():
        window = limits.seconds(queue.batch_window)
        _add_mapping(
            template, worker(name), name, queue_id(name), queue.batch_size, window, queue.max_concurrency
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
    template: "Template", role: str, name: str, source: str, batch: int, window: int, concurrency: int
) -> None:
    from troposphere import GetAtt, Ref, awslambda

    template.add_resource(
        awslambda.EventSourceMapping(
            mapping_id(role, name),
            EventSourceArn=GetAtt(source, "Arn"),
            FunctionName=Ref(function_id(role)),
            Enabled=if_enabled(True, False),
            BatchSize=batch,
            MaximumBatchingWindowInSeconds=window,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            # Not reserved concurrency: that over-polls and drives messages to the dead-letter queue.
            ScalingConfig=_scaling(concurrency),
        )
    )


def _scaling(concurrency: int) -> object:
    """Return the property as CloudFormation knows it; troposphere 4.11.1 has another resource's."""
    from troposphere import awslambda

    class ScalingConfig(awslambda.ScalingConfig):  # type: ignore[misc]
        props = {"MaximumConcurrency": (int, True)}  # noqa: RUF012

    return ScalingConfig(MaximumConcurrency=concurrency)


def add_schedule(template: "Template", plan: Plan) -> None:
    from troposphere import GetAtt, Ref, awslambda, events

    template.add_resource(
        events.Rule(
            _RULE,
            Name=plan.options.function(SWEEPER),
            Description=f"Starts the sweeper of {plan.stack}.",
            ScheduleExpression="rate(1 minute)",
            State=if_enabled("ENABLED", "DISABLED"),
            Targets=[events.Target(Id=SWEEPER, Arn=GetAtt(function_id(SWEEPER), "Arn"))],
        )
    )
    template.add_resource(
        awslambda.Permission(
            f"{_RULE}Permission",
            Action="lambda:InvokeFunction",
            FunctionName=Ref(function_id(SWEEPER)),
            Principal="events.amazonaws.com",
            SourceArn=GetAtt(_RULE, "Arn"),
            SourceAccount=Ref("AWS::AccountId"),
        )
    )
