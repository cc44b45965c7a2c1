"""The faster functions are in use with the locked moto, and change no result."""

import copy
import importlib
import pickle

import pytest

from django_offload.local.aws import moto_speed
from django_offload.local.aws.moto_speed import make_moto_faster

EXPRESSION = "SET #a = :a, #n = if_not_exists(#n, :zero) + :one REMOVE #b, #c"


@pytest.fixture(autouse=True)
def faster() -> None:
    make_moto_faster()


def test_every_function_is_replaced_in_the_locked_moto() -> None:
    responses, queues = map(importlib.import_module, ("moto.core.responses", "moto.sqs.models"))
    nodes = importlib.import_module("moto.dynamodb.parsing.ast_nodes")
    parser = importlib.import_module("moto.dynamodb.parsing.expressions").UpdateExpressionParser

    assert hasattr(responses.method_names_from_class, "cache_info")
    assert hasattr(responses.camelcase_to_underscores, "cache_info")
    assert hasattr(queues.camelcase_to_underscores, "cache_info")
    assert hasattr(parser.make, "cache_info")
    assert "__deepcopy__" in vars(nodes.UpdateExpression)
    assert queues.unix_time_millis.__module__ == moto_speed.__name__
    assert queues.SQSBackend.is_message_valid_based_on_retention_period.__module__ == moto_speed.__name__


def test_a_moto_that_has_changed_keeps_its_own_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(moto_speed, "import_module", fail)

    make_moto_faster.__wrapped__()


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
