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
        check_expressions_once,
        walk_expressions_faster,
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
    make = parser.make

    def make_once(text: str) -> Any:
        expression = make(text)
        expression.text = text
        return expression

    parser.make = lru_cache(EXPRESSIONS)(make_once)


def copy_expressions_faster() -> None:
    """Copy a parsed expression from its pickle, which takes a fifth of the time."""
    expression: Any = import_module("moto.dynamodb.parsing.ast_nodes").UpdateExpression
    pickled = lru_cache(EXPRESSIONS)(pickle.dumps)
    expression.__deepcopy__ = lambda self, memo: pickle.loads(pickled(self))  # noqa: S301 - our own pickle.


def check_expressions_once() -> None:
    """Check once what doesn't depend on values: the clauses of an expression, its paths and its keys."""
    validators: Any = import_module("moto.dynamodb.parsing.validators")
    validate = validators.Validator.validate
    classes = (
        validators.ActionCountValidator,
        validators.OverlappingPathsValidator,
        validators.UpdateHashRangeKeyValidator,
    )

    @lru_cache(EXPRESSIONS)
    def checked(text: str, names: frozenset[tuple[str, str]], keys: tuple[str, ...]) -> list[None]:
        return []  # Gets an entry when all checks have passed.

    def validate_values(self: Any) -> Any:
        text = getattr(self.node_to_validate, "text", None)
        if text is None:  # It was parsed without parse_expressions_once().
            return validate(self)
        names = frozenset((self.expression_attribute_names or {}).items())
        passed = checked(text, names, tuple(self.table.table_key_attrs))
        if passed:
            self.processors = [one for one in self.processors if not isinstance(one, classes)]
        node = validate(self)
        passed.append(None)
        return node

    validators.UpdateExpressionValidator.validate = validate_values


def walk_expressions_faster() -> None:
    """Ask once for each class of nodes whether a validator processes it, not for each node."""
    nodes: Any = import_module("moto.dynamodb.parsing.ast_nodes")
    is_node: Callable[[Any], bool] = cache(lambda node_class: issubclass(node_class, nodes.Node))
    processed: dict[tuple[type, type], bool] = {}

    def is_processed(traverser: Any, node_class: type) -> bool:
        key = (type(traverser), node_class)
        if key not in processed:
            processed[key] = issubclass(node_class, traverser.nodes_to_be_processed())
        return processed[key]

    def traverse_node_recursively(self: Any, node: Any, child_id: int = -1) -> Any:
        if not is_node(type(node)):
            return node
        parent = node.parent
        for number, child in enumerate(node.children or ()):
            self.pre_processing_of_child(node, number)
            self.traverse_node_recursively(child, number)
        if is_processed(self, type(node)):
            node = self.process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
        return node

    assert nodes.DepthFirstTraverser.traverse_node_recursively
    nodes.DepthFirstTraverser.traverse_node_recursively = traverse_node_recursively
