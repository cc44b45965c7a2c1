"""The queues as they are deployed, against what TASKS needs."""

import json
from collections.abc import Iterator
from datetime import timedelta

from ...aws import client
from ...conf import QueueOptions
from ...stack import StackSpec, limits
from ...stack.names import DEAD_LETTER, worker
from .finding import Finding, deploy, log_of
from .functions import deployed


def examine(plan: StackSpec) -> Iterator[Finding]:
    """Look at every queue and its dead-letter queue."""
    for name, queue in plan.queues.items():
        own, dead = plan.options.queue(name), plan.options.dead_letter_queue(name)
        found = _attributes(own, plan.options.queue_urls.get(name))
        found_dead = _attributes(dead)
        for missing, attributes, what in ((own, found, "queue"), (dead, found_dead, "dead-letter queue")):
            if attributes is None:
                text = f"The {what} {missing} does not exist."
                yield Finding(
                    id=f"{what.replace(' ', '-')}-missing",
                    stack=plan.stack,
                    text=text,
                    mend=deploy(plan.stack),
                )
        if found is not None:
            yield from _contradictions(plan, name, queue, found, found_dead)
        if found_dead is not None:
            yield from _waiting(plan, dead, found_dead)


def _attributes(name: str, url: str | None = None) -> dict[str, str] | None:
    """Return the attributes of a queue in SQS, None if there is none."""
    sqs = client("sqs")
    try:
        url = url or sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    except sqs.exceptions.QueueDoesNotExist:
        return None
    return found


def _contradictions(
    plan: StackSpec, own: str, queue: QueueOptions, found: dict[str, str], dead: dict[str, str] | None
) -> Iterator[Finding]:
    name = plan.options.queue(own)

    def finding(what: str, text: str) -> Finding:
        return Finding(id=what, stack=plan.stack, text=f"{name} {text}", mend=deploy(plan.stack))

    # The function's own timeout counts, whatever TASKS says: a stage may have chosen another.
    function = deployed(plan, worker(own))
    timeout = timedelta(seconds=function["Timeout"]) if function else queue.timeout
    hidden, needed = int(found["VisibilityTimeout"]), limits.visibility(timeout, queue.batch_window)
    if hidden < needed:
        yield finding(
            "visibility-too-short",
            f"hides a message for {hidden} s; its function may run for {limits.seconds(timeout)} s "
            f"and then {needed} s are needed: messages come again while they are worked on.",
        )
    policy = json.loads(found.get("RedrivePolicy", "{}"))
    receives, wanted = (
        int(policy.get("maxReceiveCount", 0)),
        queue.max_attempts + limits.RECEIVES_BEYOND_ATTEMPTS,
    )
    if not policy:
        yield finding("no-dead-letter-queue", "has no dead-letter queue: what fails comes again for ever.")
    elif receives < wanted:
        yield finding(
            "receives-too-few",
            f"gives a message up after {receives} receipts; tasks with {queue.max_attempts} attempts "
            f"need {wanted} (maxReceiveCount).",
        )
    if policy and dead is not None and policy.get("deadLetterTargetArn") != dead["QueueArn"]:
        yield finding("other-dead-letter-queue", f"gives messages up to {policy.get('deadLetterTargetArn')}.")
    if int(found["MaximumMessageSize"]) < limits.LARGEST_MESSAGE:
        yield finding("messages-too-small", f"takes messages of {found['MaximumMessageSize']} bytes at most.")
    kept = timedelta(seconds=int(found["MessageRetentionPeriod"]))
    if kept < limits.RETENTION:
        yield finding("retention-too-short", f"keeps a message for {kept}, not for {limits.RETENTION}.")
    if dead is not None and int(dead["MessageRetentionPeriod"]) <= int(found["MessageRetentionPeriod"]):
        yield finding("dead-retention-too-short", "keeps messages as long as its dead-letter queue does.")


def _waiting(plan: StackSpec, name: str, found: dict[str, str]) -> Iterator[Finding]:
    """Look for dead letters that nobody turned into records."""
    count = int(found["ApproximateNumberOfMessages"])
    if count:
        function = plan.options.function(DEAD_LETTER)
        yield Finding(
            id="dead-letters-waiting",
            stack=plan.stack,
            text=f"{count} messages wait in {name}, and no function takes them.",
            mend=log_of(function),
        )
