"""
The option "index": "trouble" of a queue, whose tasks enter the sweeper's index only if something goes wrong.

That is when SQS doesn't confirm a message, when a delivery is given back or refused, and when a message
becomes a dead letter. Until then only its message in SQS starts a task.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .plain_values import shown
from .queue_options import TROUBLE
from .validation import Problem


def index_problems(
    queues: Mapping[str, Any], options: Mapping[str, Any], transport: str
) -> Iterator[Problem]:
    """
    Yield a problem for each queue that can't do without an entry of the index for every task.

    Unique tasks, flows and concurrency keys will need the sweeper too. Each gets its refusal here.
    """
    for name, queue in queues.items():
        if not isinstance(queue, Mapping) or queue.get("index") != TROUBLE:
            continue
        where = f"OPTIONS['queues'][{shown(name)}]['index']"
        if transport == "lambda":
            # A queue of LambdaBackend indexes only tasks in trouble.
            yield Problem(
                "E031",
                f"{where} is '{TROUBLE}', but LambdaBackend needs every task in the index.",
                "Remove the option, or use SQSBackend. Lambda soon discards messages, and the sweeper sends "
                "new ones only of tasks in the index.",
            )
        elif options.get("record_at_enqueue") is False:
            # A queue indexes only tasks in trouble, but its tasks have no record before their first claim.
            yield Problem(
                "E032",
                f"{where} is '{TROUBLE}', but OPTIONS['record_at_enqueue'] is off.",
                "Remove one of the two. What has no record at enqueue isn't in the index either.",
            )
