"""The options of a queue: their defaults, their bounds, and the problems of their values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from . import aws_limits
from .plain_values import shown

DEFAULT_MAX_ATTEMPTS = 3
# Where your region allows it; every region allows 900 s.
LONGEST_TIMEOUT = aws_limits.FUNCTION_TIMEOUT
_EVERYWHERE = aws_limits.FUNCTION_TIMEOUT_EVERYWHERE.total_seconds()
REGIONAL = f" More than {_EVERYWHERE:g} s only where your region allows it."
LONGEST_RESULT_TTL = timedelta(days=366)
# The queue allows 10 more receives than this, far below the limit of SQS's maxReceiveCount (1,000).
MOST_ATTEMPTS = 100
# Which tasks of a queue the sweeper's index lists: all, or only those of which something went wrong.
TROUBLE = "trouble"
INDEXES = ("all", TROUBLE)


def duration(value: float | timedelta) -> timedelta:
    """Return seconds or a timedelta as a timedelta. Raise ValueError if `value` is neither or is negative."""
    if isinstance(value, bool) or not isinstance(value, (int, float, timedelta)):
        raise ValueError(f"{value!r} is neither a number of seconds nor a timedelta")
    try:
        result = value if isinstance(value, timedelta) else timedelta(seconds=value)
    except OverflowError:
        result = timedelta.max
    if result < timedelta(0):
        raise ValueError(f"{value!r} is negative")
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """The options of one queue, and of the function that works on it."""

    # How long one invocation of its worker may take; more than 900 s only where your region allows it.
    timeout: timedelta = timedelta(seconds=300)
    # The worker's memory in MB; Lambda gives it processor time in proportion.
    memory: int = 512
    # How many messages one invocation receives; more than 10 need a `batch_window` of at least 1 s.
    batch_size: int = 1
    # How long AWS waits for a batch to fill.
    batch_window: timedelta = timedelta(0)
    # How many invocations run at the same time.
    max_concurrency: int = 10
    # The least and the most pollers that AWS keeps for this queue alone, as in `(2, 20)`, instead of
    # `max_concurrency`; each runs up to 10 invocations at a time, and costs money by the hour.
    pollers: tuple[int, int] | None = None
    # How many tasks of a batch one invocation runs at the same time.
    concurrency: int = 1
    # How often a task whose worker dies is started in all, if the task itself doesn't say.
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    # How long results of its tasks can be read, if the task itself doesn't say; None means the stack's.
    result_ttl: timedelta | None = None
    # Which tasks the sweeper's index lists: "all", or only those in "trouble", which saves two write units of
    # five and gives up the rescue of a lost message.
    index: str = INDEXES[0]


QUEUE_KEYS = tuple(field.name for field in fields(QueueOptions))
DURATIONS = {"timeout", "batch_window", "result_ttl"}
# The lowest and the highest value of each number.
QUEUE_BOUNDS: Mapping[str, tuple[float, float]] = {
    "timeout": (1, LONGEST_TIMEOUT.total_seconds()),
    "memory": aws_limits.FUNCTION_MEMORY,
    "batch_size": aws_limits.MAPPING_BATCH,
    "batch_window": (0, aws_limits.MAPPING_WINDOW.total_seconds()),
    "max_concurrency": aws_limits.MAPPING_CONCURRENCY,
    "pollers": aws_limits.MAPPING_POLLERS,  # Of both numbers; the first has a bound of its own.
    "concurrency": (1, 100),  # Each task takes a thread.
    "max_attempts": (1, MOST_ATTEMPTS),
    "result_ttl": (1, LONGEST_RESULT_TTL.total_seconds()),
}
# None means that the option isn't set.
OPTIONAL = {"pollers", "result_ttl"}


def parse_queue(values: Mapping[str, Any]) -> QueueOptions:
    """Return the options of a queue whose values have no problems."""
    parsed: dict[str, Any] = {
        key: duration(value) if key in DURATIONS and value is not None else value
        for key, value in values.items()
    }
    if parsed.get("pollers") is not None:
        parsed["pollers"] = tuple(parsed["pollers"])
    return QueueOptions(**parsed)


def queue_problems(where: str, queue: object) -> Iterator[tuple[str, str]]:
    """Yield each problem in the values of a queue's options as a text and a hint. Other keys are ignored."""
    if not isinstance(queue, Mapping):
        yield f"{where} is {shown(queue)}.", "Give a dictionary of the queue's options."
        return
    wrong: set[str] = set()
    for key, value in queue.items():
        if key not in QUEUE_BOUNDS or (key in OPTIONAL and value is None):
            continue
        if not (is_pair_of_pollers(value) if key == "pollers" else is_within_bounds(key, value)):
            wrong.add(key)
            yield f"{where}['{key}'] is {shown(value)}.", bounds_hint(key)
    index = queue.get("index", INDEXES[0])
    if not isinstance(index, str) or index not in INDEXES:
        yield f"{where}['index'] is {shown(index)}.", f"Use one of: {', '.join(INDEXES)}."
    yield from contradictions(where, {key: value for key, value in queue.items() if key not in wrong}, wrong)


def contradictions(where: str, queue: Mapping[str, Any], wrong: set[str]) -> Iterator[tuple[str, str]]:
    """Yield what AWS doesn't accept of options that are valid by themselves. The wrong ones are missing."""
    needs_window = queue.get("batch_size", 1) > aws_limits.MAPPING_BATCH_WITHOUT_WINDOW
    has_window = "batch_window" in wrong or duration(queue.get("batch_window", 0)) >= timedelta(seconds=1)
    if needs_window and not has_window:
        yield (
            f"{where} has a batch_size over 10 without a batch_window.",
            "Set batch_window to 1 s or more, because AWS requires it.",
        )
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: "mutually exclusive".
    if queue.get("pollers") is not None and "max_concurrency" in queue:
        yield (
            f"{where} has both pollers and max_concurrency.",
            "Remove one of them, because AWS accepts only one. A poller runs up to 10 invocations at a time.",
        )


def is_within_bounds(key: str, value: object) -> bool:
    low, high = QUEUE_BOUNDS[key]
    number = value.total_seconds() if isinstance(value, timedelta) else value
    types = (int, float) if key in DURATIONS else int
    return not isinstance(number, bool) and isinstance(number, types) and low <= number <= high


def is_pair_of_pollers(value: object) -> bool:
    """Return True for the least and the most pollers, both within AWS's bounds and in this order."""
    numbers = list(value) if isinstance(value, (list, tuple)) else []
    if [type(number) for number in numbers] != [int, int]:
        return False
    (low, high), (least, most) = aws_limits.MAPPING_POLLERS, numbers
    return bool(low <= least <= min(most, aws_limits.MAPPING_LEAST_POLLERS[1]) and most <= high)


def bounds_hint(key: str) -> str:
    low, high = QUEUE_BOUNDS[key]
    if key == "pollers":
        highest = aws_limits.MAPPING_LEAST_POLLERS[1]
        return (
            f"Give two numbers, such as (2, 20): the least pollers, from {low} to {highest}, and the most, "
            f"which are as many or more, up to {high:,}. With None, AWS polls by itself."
        )
    if key == "timeout":
        return f"Give a number from {low:g} to {high:g}, in seconds.{REGIONAL}"
    return f"Give a number from {low:g} to {high:g}. Durations are in seconds."
