"""The faster functions are in use with the locked moto, and change no result."""

import copy
import importlib
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from django_offload.local.aws import moto_speed
from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.aws.moto_speed import make_moto_faster

EXPRESSION = "SET #a = :a, #n = if_not_exists(#n, :zero) + :one REMOVE #b, #c"
# No other test uses this region, because moto keeps its state by process and region, not by server.
REGION = "ap-southeast-5"

type Update = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def update() -> Iterator[Update]:
    """Return a function that updates an item and returns all of it."""
    with MotoServer(region=REGION) as server:
        dynamodb = server.client("dynamodb")
        for table, key in ("orders", "id"), ("others", "count"):
            dynamodb.create_table(
                TableName=table,
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                BillingMode="PAY_PER_REQUEST",
            )

        def update(
            text: str, *, values: dict[str, Any], table: str = "orders", item: str = "1", **names: str
        ) -> Any:
            answer = dynamodb.update_item(
                TableName=table,
                Key={"id" if table == "orders" else "count": {"S": item}},
                UpdateExpression=text,
                ExpressionAttributeNames={f"#{name}": attribute for name, attribute in names.items()},
                ExpressionAttributeValues=values,
                ReturnValues="ALL_NEW",
            )
            return answer["Attributes"]

        yield update


@pytest.fixture(autouse=True)
def faster() -> None:
    make_moto_faster()


def test_every_function_is_replaced_in_the_locked_moto() -> None:
    responses, queues = map(importlib.import_module, ("moto.core.responses", "moto.sqs.models"))
    nodes = importlib.import_module("moto.dynamodb.parsing.ast_nodes")
    validators = importlib.import_module("moto.dynamodb.parsing.validators")
    parser = importlib.import_module("moto.dynamodb.parsing.expressions").UpdateExpressionParser

    assert hasattr(responses.method_names_from_class, "cache_info")
    assert hasattr(responses.camelcase_to_underscores, "cache_info")
    assert hasattr(queues.camelcase_to_underscores, "cache_info")
    assert hasattr(parser.make, "cache_info")
    assert "__deepcopy__" in vars(nodes.UpdateExpression)
    assert queues.unix_time_millis.__module__ == moto_speed.__name__
    assert nodes.DepthFirstTraverser.traverse_node_recursively.__module__ == moto_speed.__name__
    assert validators.UpdateExpressionValidator.validate.__module__ == moto_speed.__name__
    assert queues.SQSBackend.is_message_valid_based_on_retention_period.__module__ == moto_speed.__name__


def test_a_moto_that_has_changed_keeps_its_own_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(moto_speed, "import_module", fail)

    make_moto_faster.__wrapped__()


def test_an_expression_of_a_parser_that_has_changed_is_checked_each_time(
    update: Update, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = importlib.import_module("moto.dynamodb.parsing.expressions").UpdateExpressionParser
    tokenizer = importlib.import_module("moto.dynamodb.parsing.tokens").ExpressionTokenizer
    monkeypatch.setattr(parser, "make", lambda text: parser(tokenizer.make_list(text)).parse())

    update("SET #a = :n", values={":n": {"N": "1"}}, a="count")
    with pytest.raises(ClientError, match="part of the key"):
        update("SET #a = :n", values={":n": {"N": "1"}}, a="id")


def test_a_copy_of_an_expression_can_change_without_the_original() -> None:
    parser = importlib.import_module("moto.dynamodb.parsing.expressions").UpdateExpressionParser
    original = parser.make(EXPRESSION)
    before = pickle.dumps(original)

    changed = copy.deepcopy(original)
    changed.normalize()
    changed.children.clear()

    assert parser.make(EXPRESSION) is original
    assert pickle.dumps(original) == before


def test_the_time_of_a_message_is_now_and_that_of_a_datetime_its_own() -> None:
    queues = importlib.import_module("moto.sqs.models")
    utils = importlib.import_module("moto.core.utils")

    assert abs(queues.unix_time_millis() - utils.unix_time_millis()) < 60_000
    some_time = utils.utcnow()
    assert queues.unix_time_millis(some_time) == utils.unix_time_millis(some_time)


def test_an_expression_is_applied_to_each_item_and_with_each_value(update: Update) -> None:
    text = "SET #a = if_not_exists(#a, :zero) + :step REMOVE #b"

    for step, count in (1, "1"), (2, "3"), (4, "7"):
        update("SET #b = :text", item="counted", values={":text": {"S": "x"}}, b="note")
        values = {":zero": {"N": "0"}, ":step": {"N": str(step)}}
        assert update(text, item="counted", values=values, a="count", b="note") == {
            "id": {"S": "counted"},
            "count": {"N": count},
        }


@pytest.mark.parametrize(
    ("text", "names", "table", "error"),
    [
        ("SET #a = :n", {"a": "id"}, "orders", "attribute id. This attribute is part of the key"),
        ("SET #a = :n", {"a": "count"}, "others", "attribute count. This attribute is part of the key"),
        ("SET #a = :n, #b = :n", {"a": "count", "b": "count"}, "orders", "Two document paths overlap"),
        (
            "SET #a = #b + :n",
            {"a": "count", "b": "text"},
            "orders",
            "incorrect data type|Incorrect operand type",
        ),
    ],
)
def test_an_expression_that_passed_is_checked_again_with_other_names_and_tables(
    update: Update, text: str, names: dict[str, str], table: str, error: str
) -> None:
    update("SET #t = :t", values={":t": {"S": "x"}}, t="text")
    update("SET #a = :n", values={":n": {"N": "1"}}, a="count")
    update("SET #a = :n, #b = :n", values={":n": {"N": "1"}}, a="count", b="other")
    update("SET #a = #b + :n", values={":n": {"N": "1"}}, a="count", b="other")

    for _ in range(2):
        with pytest.raises(ClientError, match=error):
            update(text, table=table, values={":n": {"N": "1"}}, **names)
