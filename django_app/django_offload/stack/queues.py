"""The queues: one per configured queue, its dead-letter queue, and one for events that Lambda gave up."""

from datetime import timedelta
from typing import TYPE_CHECKING

from . import limits
from .names import FAILED, SCHEDULE, dead_letter_queue_id, logical, queue_id
from .parameters import KMS_KEY, ON_AWS, timeout_parameter, with_own_key
from .spec import StackSpec
from .statements import allow, condition_on_source, deny_without_tls

if TYPE_CHECKING:
    from troposphere import Template

VISIBILITY = "Visibility"


def add_queues(template: "Template", spec: StackSpec) -> None:
    from troposphere import FindInMap, GetAtt, Ref, sqs

    template.add_mapping(VISIBILITY, visibility_timeouts(spec))
    for name, queue in spec.queues.items():
        # Keeps messages that were received too often, until the dead-letter function has taken them.
        add_queue(
            template,
            dead_letter_queue_id(name),
            spec.options.dead_letter_queue(name),
            visibility=limits.visibility(limits.SERVICE_TIMEOUT),
        )
        # Keeps the messages of the queue's tasks until the worker has acknowledged them.
        add_queue(
            template,
            queue_id(name),
            spec.options.queue(name),
            visibility=FindInMap(VISIBILITY, Ref(timeout_parameter(name)), logical(name)),
            retention=limits.seconds(limits.RETENTION),
            RedrivePolicy=sqs.RedrivePolicy(
                deadLetterTargetArn=GetAtt(dead_letter_queue_id(name), "Arn"),
                maxReceiveCount=queue.max_attempts + limits.RECEIVES_BEYOND_ATTEMPTS,
            ),
        )
    # Keeps events that EventBridge, Scheduler or Lambda could not deliver.
    add_queue(template, FAILED, spec.failed_events, visibility=limits.FAILED_EVENTS_VISIBILITY)
    for name in spec.queues:
        add_queue_policy(template, queue_id(name))
        add_queue_policy(template, dead_letter_queue_id(name))
    add_queue_policy(template, FAILED)


def visibility_timeouts(spec: StackSpec) -> dict[str, dict[str, int]]:
    """Return how long each queue hides a message, by every function timeout that a stage may choose."""
    timeouts: dict[str, dict[str, int]] = {}
    for name, queue in spec.queues.items():
        for seconds in limits.timeouts(queue.timeout):
            hidden = limits.visibility(timedelta(seconds=seconds), queue.batch_window)
            timeouts.setdefault(str(seconds), {})[logical(name)] = hidden
    return {key: timeouts[key] for key in sorted(timeouts, key=int)}


def add_queue(
    template: "Template",
    logical_id: str,
    name: str,
    *,
    visibility: object,
    retention: int = limits.seconds(limits.DEAD_LETTER_RETENTION),
    **properties: object,
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
            **properties,
        )
    )


def add_queue_policy(template: "Template", logical_id: str) -> None:
    """Refuse connections without TLS. EventBridge may also send to FailedEvents what it couldn't deliver."""
    from troposphere import GetAtt, Ref, sqs

    queue = GetAtt(logical_id, "Arn")
    statements = [deny_without_tls("sqs:*", [queue])]
    if logical_id == FAILED:
        statements.append(
            {
                **allow(["sqs:SendMessage"], [queue]),
                "Principal": {"Service": "events.amazonaws.com"},
                "Condition": condition_on_source(GetAtt(SCHEDULE, "Arn")),
            }
        )
    # Refuses requests to the queue without TLS.
    template.add_resource(
        sqs.QueuePolicy(
            f"{logical_id}Policy",
            Queues=[Ref(logical_id)],
            PolicyDocument={"Version": "2012-10-17", "Statement": statements},
            Condition=ON_AWS,
        )
    )
