"""Compare the deployed queues with TASKS."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

from ...aws import client
from ...conf import QueueOptions
from ...stack import StackSpec, limits
from ...stack.names import DEAD_LETTER, worker
from .finding import Finding, finding, log_remedy
from .functions import function_configuration


def check_queues(plan: StackSpec) -> Iterator[Finding]:
    """Check every queue and its dead-letter queue."""
    for name, queue in plan.queues.items():
        queue_name, dead_name = plan.options.queue(name), plan.options.dead_letter_queue(name)
        attributes = queue_attributes(queue_name, plan.options.queue_urls.get(name))
        dead_attributes = queue_attributes(dead_name)
        if attributes is None:
            yield finding("queue-missing", plan.stack, f"The queue {queue_name} does not exist.")
        if dead_attributes is None:
            text = f"The dead-letter queue {dead_name} does not exist."
            yield finding("dead-letter-queue-missing", plan.stack, text)
        if attributes is not None:
            yield from check_attributes(plan, name, queue, attributes, dead_attributes)
        count = int(dead_attributes["ApproximateNumberOfMessages"]) if dead_attributes is not None else 0
        if count:
            yield finding(
                "dead-letters-waiting",
                plan.stack,
                f"{count} {'message waits' if count == 1 else 'messages wait'} in {dead_name}, and no "
                "function reads them.",
                remedy=log_remedy(plan.options.function(DEAD_LETTER)),
            )


def queue_attributes(name: str, url: str | None = None) -> Mapping[str, str] | None:
    """Return the attributes of an SQS queue, or None if there is no such queue."""
    sqs = client("sqs")
    try:
        url = url or sqs.get_queue_url(QueueName=name)["QueueUrl"]
        return dict(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])
    except sqs.exceptions.QueueDoesNotExist:
        return None


def check_attributes(
    plan: StackSpec,
    name: str,
    queue: QueueOptions,
    attributes: Mapping[str, str],
    dead_attributes: Mapping[str, str] | None,
) -> Iterator[Finding]:
    """Check that the attributes of a queue suit TASKS, its function and its dead-letter queue."""
    stack, queue_name = plan.stack, plan.options.queue(name)
    # Use the function's own timeout, because a stage may choose another one than TASKS.
    function = function_configuration(plan, worker(name))
    timeout = timedelta(seconds=function["Timeout"]) if function else queue.timeout
    visibility, needed = int(attributes["VisibilityTimeout"]), limits.visibility(timeout, queue.batch_window)
    if visibility < needed:
        yield finding(
            "visibility-too-short",
            stack,
            f"The visibility timeout of {queue_name} is {visibility} s, but it must be at least {needed} s "
            f"because its function may run for {limits.seconds(timeout)} s. Otherwise SQS redelivers "
            "messages while a worker processes them.",
        )
    policy = json.loads(attributes.get("RedrivePolicy", "{}"))
    receives = int(policy.get("maxReceiveCount", 0))
    needed_receives = queue.max_attempts + limits.RECEIVES_BEYOND_ATTEMPTS
    if not policy:
        text = f"{queue_name} has no dead-letter queue, so SQS redelivers failing messages without end."
        yield finding("no-dead-letter-queue", stack, text)
    elif receives < needed_receives:
        yield finding(
            "receives-too-few",
            stack,
            f"{queue_name} moves a message to its dead-letter queue after {receives} receives, but tasks "
            f"with {queue.max_attempts} attempts need {needed_receives} (maxReceiveCount).",
        )
    target = policy.get("deadLetterTargetArn")
    if policy and dead_attributes is not None and target != dead_attributes["QueueArn"]:
        yield finding("other-dead-letter-queue", stack, f"{queue_name} moves failed messages to {target}.")
    if int(attributes["MaximumMessageSize"]) < limits.LARGEST_MESSAGE:
        text = f"{queue_name} accepts messages of at most {attributes['MaximumMessageSize']} bytes."
        yield finding("messages-too-small", stack, text)
    retention_seconds = int(attributes["MessageRetentionPeriod"])
    if timedelta(seconds=retention_seconds) < limits.RETENTION:
        retention = timedelta(seconds=retention_seconds)
        text = f"{queue_name} keeps a message for {retention} instead of {limits.RETENTION}."
        yield finding("retention-too-short", stack, text)
    if dead_attributes is not None and int(dead_attributes["MessageRetentionPeriod"]) <= retention_seconds:
        text = f"The dead-letter queue of {queue_name} must keep messages longer than {queue_name} does."
        yield finding("dead-retention-too-short", stack, text)
