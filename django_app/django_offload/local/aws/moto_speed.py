"""
Faster versions of functions that moto calls for each request. They return the same.

A laptop's local AWS is one process, so what moto does for a task limits how many tasks run per second.
"""

import contextlib
import pickle
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

# More expressions than the transitions of a project's tasks have.
EXPRESSIONS = 512


@cache
def make_moto_faster() -> None:
    """Replace the functions, once per process. Where moto has changed, keep its own."""
    steps: tuple[Callable[[], None], ...] = (
        keep_names,
        tell_time_faster,
        check_retention_faster,
        parse_expressions_once,
        copy_expressions_faster,
    )
    for step in steps:
        with contextlib.suppress(ImportError, AttributeError):
            step()


def keep_names() -> None:
    """Keep what depends only on the names of methods, operations and attributes."""
    responses: Any = import_module("moto.core.responses")
    queues: Any = import_module("moto.sqs.models")
    responses.method_names_from_class = cache(responses.method_names_from_class)
    responses.camelcase_to_underscores = cache(responses.camelcase_to_underscores)
    queues.camelcase_to_underscores = cache(queues.camelcase_to_underscores)


def tell_time_faster() -> None:
    """Make no datetime for each message of a queue, whenever moto looks for the visible ones."""
    queues: Any = import_module("moto.sqs.models")
    original = queues.unix_time_millis

    def unix_time_millis(dt: datetime | None = None) -> float:
        return time.time() * 1000 if dt is None else float(original(dt))

    queues.unix_time_millis = unix_time_millis


def check_retention_faster() -> None:
    """Read one attribute of a queue, without the others that count its messages."""
    backend: Any = import_module("moto.sqs.models").SQSBackend

    def is_retained(self: Any, queue_name: str, message: Any) -> bool:
        seconds = self.get_queue(queue_name).message_retention_period
        return bool(seconds + message.sent_timestamp / 1000 > time.time())

    assert backend.is_message_valid_based_on_retention_period
    backend.is_message_valid_based_on_retention_period = is_retained


def parse_expressions_once() -> None:
    """Parse an update expression once, not twice per call. moto changes only copies of the result."""
    parser: Any = import_module("moto.dynamodb.parsing.expressions").UpdateExpressionParser
    parser.make = lru_cache(EXPRESSIONS)(parser.make)


def copy_expressions_faster() -> None:
    """Copy a parsed expression from its pickle, which takes a fifth of the time."""
    expression: Any = import_module("moto.dynamodb.parsing.ast_nodes").UpdateExpression
    pickled = lru_cache(EXPRESSIONS)(pickle.dumps)
    expression.__deepcopy__ = lambda self, memo: pickle.loads(pickled(self))  # noqa: S301 - our own pickle.
