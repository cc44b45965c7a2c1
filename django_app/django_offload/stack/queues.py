"""Per queue: the queue, and its dead-letter queue; for the stack, what Lambda gave up; all by TLS alone."""

from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING

from . import limits
from .names import FAILED, SCHEDULE, dead_letter_queue_id, logical, queue_id
from .parameters import KMS_KEY, ON_AWS, timeout, with_own_key
from .plan import Plan
from .statements import Statement, allow, by_tls, from_source

if TYPE_CHECKING:
    from troposphere import Template

_VISIBILITY = "Visibility"


def add_queues(template: "Template", plan: Plan) -> None:
    from troposphere import FindInMap, GetAtt, Ref, sqs

    template.add_mapping(_VISIBILITY, _visibilities(plan))
    for name, queue in plan.queues.items():
        dead = limits.visibility(limits.SERVICE_TIMEOUT)
        _add_queue(
            template, dead_letter_queue_id(name), plan.options.dead_letter_queue(name), visibility=dead
        )
        _add_queue(
            template,
            queue_id(name),
            plan.options.queue(name),
            visibility=FindInMap(_VISIBILITY, Ref(timeout(name)), logical(name)),
            retention=limits.seconds(limits.RETENTION),
            RedrivePolicy=sqs.RedrivePolicy(
                deadLetterTargetArn=GetAtt(dead_letter_queue_id(name), "Arn"),
                maxReceiveCount=queue.max_attempts + limits.RECEIVES_BEYOND_ATTEMPTS,
            ),
        )
    _add_queue(template, FAILED, plan.failed_events, visibility=limits.LOOKED_AT)
    _add_policies(template, plan)


def _visibilities(plan: Plan) -> dict[str, dict[str, int]]:
    """Return, by a timeout that a stage may choose, how long each queue then hides a message."""
    found: dict[str, dict[str, int]] = {}
    for name, queue in plan.queues.items():
        for seconds in limits.timeouts(queue.timeout):
            hidden = limits.visibility(timedelta(seconds=seconds), queue.batch_window)
            found.setdefault(str(seconds), {})[logical(name)] = hidden
    return {key: found[key] for key in sorted(found, key=int)}


def _add_queue(
    template: "Template",
    logical_id: str,
    name: str,
    *,
    visibility: object,
    retention: int = limits.seconds(limits.DEAD_LETTER_RETENTION),
    **more: object,
) -> None:
    from troposphere import Ref, sqs

    template.add_resource(
        sqs.Queue(
            logical_id,
            QueueName=name,
            MessageRetentionPeriod=retention,
            VisibilityTimeout=visibility,
            MaximumMessageSize=limits.LARGEST_MESSAGE,
            SqsManagedSseEnabled=with_own_key(False, True),
            KmsMasterKeyId=with_own_key(Ref(KMS_KEY)),
            **more,
        )
    )


def _add_policies(template: "Template", plan: Plan) -> None:
    """Let nobody reach a queue but by TLS, and EventBridge leave in one what it could not deliver."""
    from troposphere import GetAtt, Ref, sqs

    both = [(queue_id(name), dead_letter_queue_id(name)) for name in plan.queues]
    for logical_id in [*chain(*both), FAILED]:
        own = GetAtt(logical_id, "Arn")
        statements = [by_tls("sqs:*", [own])]
        if logical_id == FAILED:
            statements.append(_undelivered(own))
        template.add_resource(
            sqs.QueuePolicy(
                f"{logical_id}Policy",
                Queues=[Ref(logical_id)],
                PolicyDocument={"Version": "2012-10-17", "Statement": statements},
                Condition=ON_AWS,
            )
        )


def _undelivered(queue: object) -> Statement:
    from troposphere import GetAtt

    return {
        **allow(["sqs:SendMessage"], [queue]),
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": from_source(GetAtt(SCHEDULE, "Arn")),
    }
