"""Which messages of a batch a response acknowledges, by AWS's rules."""

import json

import pytest

from django_offload.local.aws.sqs_event import acknowledge
from django_offload.local.lambda_.invoker import Outcome, failed_outcome

EVENT = {"Records": [{"messageId": "a"}, {"messageId": "b"}, {"messageId": "c"}]}


def ids(records: list[dict[str, str]]) -> list[str]:
    return [record["messageId"] for record in records]


def acknowledged_and_failed(response: object, *, partial: bool = True) -> tuple[list[str], list[str]]:
    outcome = Outcome(payload=json.dumps(response).encode())
    acknowledged, failed = acknowledge(EVENT, outcome, partial=partial)
    return ids(acknowledged), ids(failed)


@pytest.mark.parametrize(
    "response", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"somethingElse": 1}]
)
def test_a_response_without_failures_acknowledges_all(response: object) -> None:
    assert acknowledged_and_failed(response) == (["a", "b", "c"], [])


def test_a_response_may_be_empty() -> None:
    acknowledged, failed = acknowledge(EVENT, Outcome(payload=b""), partial=True)

    assert (ids(acknowledged), failed) == (["a", "b", "c"], [])


def test_named_messages_fail_and_the_others_are_acknowledged() -> None:
    response = {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "b"}]}

    assert acknowledged_and_failed(response) == (["a", "c"], ["b"])


@pytest.mark.parametrize(
    "failures",
    [
        [{"itemIdentifier": "unknown"}],
        [{"itemIdentifier": "a"}, {"itemIdentifier": "unknown"}],
        [{"itemIdentifier": ""}],
        [{"itemIdentifier": None}],
        [{"itemIdentifier": 1}],
        [{"itemIdentifier": ["a"]}],
        [{"itemidentifier": "a"}],
        [{}],
        ["a"],
        "a",
        {"itemIdentifier": "a"},
    ],
)
def test_an_invalid_response_fails_all(failures: object) -> None:
    assert acknowledged_and_failed({"batchItemFailures": failures}) == ([], ["a", "b", "c"])


@pytest.mark.parametrize("response", ["done", 1, ["a"], True])
def test_a_response_that_is_not_an_object_fails_all(response: object) -> None:
    assert acknowledged_and_failed(response) == ([], ["a", "b", "c"])


def test_a_response_that_is_not_json_fails_all() -> None:
    acknowledged, failed = acknowledge(EVENT, Outcome(payload=b"<html>"), partial=True)

    assert (acknowledged, ids(failed)) == ([], ["a", "b", "c"])


@pytest.mark.parametrize("partial", [True, False])
def test_an_error_of_the_function_fails_all(partial: bool) -> None:
    acknowledged, failed = acknowledge(EVENT, failed_outcome("ValueError", "no"), partial=partial)

    assert (acknowledged, ids(failed)) == ([], ["a", "b", "c"])


@pytest.mark.parametrize("response", [{"batchItemFailures": [{"itemIdentifier": "a"}]}, "done", None])
def test_without_partial_responses_an_answer_acknowledges_all(response: object) -> None:
    assert acknowledged_and_failed(response, partial=False) == (["a", "b", "c"], [])
