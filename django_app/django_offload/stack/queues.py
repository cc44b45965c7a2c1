"""Per queue: the queue, and its dead-letter queue."""

from typing import TYPE_CHECKING

from ..conf import QueueOptions
from . import limits
from .names import dead_letter_queue_id, queue_id
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template


def add_queues(template: "Template", plan: Plan) -> None:
    for name, queue in plan.queues.items():
        _add_dead_letter_queue(template, plan, name)
        _add_queue(template, plan, name, queue)


def _add_queue(template: "Template", plan: Plan, name: str, queue: QueueOptions) -> None:
    from troposphere import GetAtt, sqs

    template.add_resource(
        sqs.Queue(
            queue_id(name),
            QueueName=plan.options.queue(name),
            MessageRetentionPeriod=limits.seconds(limits.RETENTION),
            VisibilityTimeout=limits.visibility(queue.timeout, queue.batch_window),
            MaximumMessageSize=limits.LARGEST_MESSAGE,
            SqsManagedSseEnabled=True,
            RedrivePolicy=sqs.RedrivePolicy(
                deadLetterTargetArn=GetAtt(dead_letter_queue_id(name), "Arn"),
                maxReceiveCount=queue.max_attempts + limits.RECEIVES_BEYOND_ATTEMPTS,
            ),
        )
    )


def _add_dead_letter_queue(template: "Template", plan: Plan, name: str) -> None:
    from troposphere import sqs

    template.add_resource(
        sqs.Queue(
            dead_letter_queue_id(name),
            QueueName=plan.options.dead_letter_queue(name),
            MessageRetentionPeriod=limits.seconds(limits.DEAD_LETTER_RETENTION),
            VisibilityTimeout=limits.visibility(limits.SERVICE_TIMEOUT),
            MaximumMessageSize=limits.LARGEST_MESSAGE,
            SqsManagedSseEnabled=True,
        )
    )
