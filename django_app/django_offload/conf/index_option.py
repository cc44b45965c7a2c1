"""
The option `index` of a queue: which of its tasks the sweeper's index lists.

With "trouble", a task enters the index when something goes wrong: its message isn't accepted, a delivery is
given back, or it becomes a dead letter. Until then only its message in SQS starts it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .plain_values import shown

TROUBLE = "trouble"
INDEXES = ("all", TROUBLE)


def index_problems(
    queues: Mapping[str, Any], options: Mapping[str, Any], transport: Callable[[], str]
) -> Iterator[tuple[str, str, str]]:
    """
    Yield the check's id, a text and a hint for each queue whose `index` is wrong or can't be used.

    Whatever else comes to need that the sweeper sees every task belongs here: unique tasks, flows and
    concurrency keys.
    """
    for name, queue in queues.items():
        index = queue.get("index", INDEXES[0]) if isinstance(queue, Mapping) else INDEXES[0]
        where = f"OPTIONS['queues'][{shown(name)}]['index']"
        if not isinstance(index, str) or index not in INDEXES:
            yield "E005", f"{where} is {shown(index)}.", f"Use one of: {', '.join(INDEXES)}."
        elif index != TROUBLE:
            continue
        elif transport() == "lambda":
            # A queue of LambdaBackend indexes only tasks in trouble, but only the sweeper repeats them.
            yield (
                "E031",
                f"{where} is '{TROUBLE}', but LambdaBackend needs every task in the index.",
                "Remove the option, or use SQSBackend. Lambda soon discards messages, and the sweeper sends "
                "new ones only for what it finds in the index.",
            )
        elif options.get("record_at_enqueue") is False:
            # A queue indexes only tasks in trouble, but its tasks have no record at enqueue at all.
            yield (
                "E032",
                f"{where} is '{TROUBLE}', but OPTIONS['record_at_enqueue'] is off.",
                "Remove one of the two. Without a record at enqueue there is nothing to index.",
            )
