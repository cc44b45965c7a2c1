"""Events that come without a queue: how often and how long Lambda tries, and where they end."""

from typing import TYPE_CHECKING

from . import limits
from .names import FAILED, SWEEPER, alias_id, function_id, logical, worker
from .parameters import ON_AWS
from .plan import Plan
from .versions import LIVE

if TYPE_CHECKING:
    from troposphere import Template


def invoked_asynchronously(plan: Plan) -> list[str]:
    """Return the functions whose events do not come from a queue."""
    return [*(worker(name) for name in plan.queues if plan.invoking), SWEEPER]


def add_event_limits(template: "Template", plan: Plan) -> None:
    from troposphere import GetAtt, Ref, awslambda

    kept = awslambda.DestinationConfig(OnFailure=awslambda.OnFailure(Destination=GetAtt(FAILED, "Arn")))
    for role in invoked_asynchronously(plan):
        # A sweep that failed is not repeated, for the next one is a minute away; what a schedule struck is.
        once = role == SWEEPER and not plan.schedules
        tries, age = (0, limits.SWEEP_AGE) if once else (limits.TRIES, limits.EVENT_AGE)
        template.add_resource(
            awslambda.EventInvokeConfig(
                f"Events{logical(role)}",
                FunctionName=Ref(function_id(role)),
                Qualifier=LIVE,
                MaximumRetryAttempts=tries,
                MaximumEventAgeInSeconds=limits.seconds(age),
                DestinationConfig=kept,
                Condition=ON_AWS,
                DependsOn=alias_id(role),
            )
        )
