"""Per queue: the queue, and its dead-letter queue."""

from datetime import timedelta
from typing import TYPE_CHECKING

from ..conf import QueueOptions
from ..message import MESSAGE_LIFE
from .names import dead_letter_queue_id, queue_id
from .plan import Plan

if TYPE_CHECKING:
    from troposphere import Template

# SQS's longest. A dead letter keeps the time of its first send: it needs more than the queue's.
DEAD_LETTER_RETENTION = timedelta(days=14)
# Every give-back (a retry, a task that cannot start in time) counts as a receive for SQS.
RECEIVES_BEYOND_ATTEMPTS = 10
# A message must stay hidden while Lambda retries a throttled invocation; AWS asks for six timeouts:
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
TIMEOUTS_HIDDEN = 6
LARGEST_MESSAGE = 1024 * 1024


def visibility(timeout: timedelta, batch_window: timedelta = timedelta(0)) -> int:
    """Return the seconds a received message stays hidden from other receivers."""
    return seconds(TIMEOUTS_HIDDEN * timeout + batch_window)


def seconds(length: timedelta) -> int:
    """Return `length` in whole seconds, rounded up."""
    return -(-length // timedelta(seconds=1))


def add_queues(template: "Template", plan: Plan) -> None:
    for name, queue in plan.queues.items():
        _add_queue(template, plan, name, queue)


def _add_queue(template: "Template", plan: Plan, name: str, queue: QueueOptions) -> None:
    from troposphere import GetAtt, sqs

    from .functions import SERVANT_TIMEOUT

    template.add_resource(
        sqs.Queue(
            dead_letter_queue_id(name),
            QueueName=plan.options.dead_letter_queue(name),
            MessageRetentionPeriod=seconds(DEAD_LETTER_RETENTION),
            VisibilityTimeout=visibility(SERVANT_TIMEOUT),
            MaximumMessageSize=LARGEST_MESSAGE,
            SqsManagedSseEnabled=True,
        )
    )
    template.add_resource(
        sqs.Queue(
            queue_id(name),
            QueueName=plan.options.queue(name),
            MessageRetentionPeriod=seconds(MESSAGE_LIFE),
            VisibilityTimeout=visibility(queue.timeout, queue.batch_window),
            MaximumMessageSize=LARGEST_MESSAGE,
            SqsManagedSseEnabled=True,
            RedrivePolicy=sqs.RedrivePolicy(
                deadLetterTargetArn=GetAtt(dead_letter_queue_id(name), "Arn"),
                maxReceiveCount=queue.max_attempts + RECEIVES_BEYOND_ATTEMPTS,
            ),
        )
    )
