"""What each function may do, and to what."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.stack.examples import document, of_type, options, properties

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
INVOKING = (options(), options("direct", transport="lambda"))


def statements(role: str, *several: Any) -> list[dict[str, Any]]:
    (policy,) = properties(role, *several)["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def actions(role: str, *several: Any) -> set[str]:
    return {action for one in statements(role, *several) for action in one["Action"]}


def resources(role: str, action: str, *several: Any) -> list[str]:
    """Return what `action` is allowed on, each reference as short text."""
    allowed = [one["Resource"] for one in statements(role, *several) if action in one["Action"]]
    return [_short(resource) for some in allowed for resource in some]


def _short(reference: dict[str, Any]) -> str:
    return ".".join(reference["Fn::GetAtt"]) if "Fn::GetAtt" in reference else str(reference["Fn::Sub"])


def all_statements() -> Iterator[dict[str, Any]]:
    for role in of_type("IAM::Role", *INVOKING):
        yield from statements(role, *INVOKING)


def test_a_worker_may_do_exactly_what_it_does() -> None:
    assert actions("RoleReportsWorker") == LOGS | {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ChangeMessageVisibility",
        "sqs:SendMessage",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "dynamodb:Query",
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
    }


def test_a_worker_receives_from_its_own_queue_and_sends_to_all() -> None:
    assert resources("RoleReportsWorker", "sqs:ReceiveMessage") == ["QueueReports.Arn"]
    assert resources("RoleReportsWorker", "sqs:ChangeMessageVisibility") == ["QueueReports.Arn"]
    assert resources("RoleReportsWorker", "sqs:SendMessage") == ["QueueDefault.Arn", "QueueReports.Arn"]


def test_a_worker_touches_the_table_but_not_its_index() -> None:
    assert resources("RoleReportsWorker", "dynamodb:Query") == ["Table.Arn"]


def test_the_dead_letter_function_may_do_exactly_what_it_does() -> None:
    assert actions("RoleDeadLetter") == LOGS | {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "s3:PutObject",
    }


def test_the_dead_letter_function_keeps_under_dead_what_it_cannot_verify() -> None:
    assert resources("RoleDeadLetter", "sqs:ReceiveMessage") == [
        "DeadLetterQueueDefault.Arn",
        "DeadLetterQueueReports.Arn",
    ]
    assert resources("RoleDeadLetter", "s3:PutObject") == ["${PayloadBucket.Arn}/dead/*"]


def test_the_sweeper_may_do_exactly_what_it_does() -> None:
    assert actions("RoleSweeper") == LOGS | {
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "sqs:SendMessage",
        "sqs:GetQueueAttributes",
    }


def test_with_an_outbox_the_sweeper_may_also_do_what_a_first_send_does() -> None:
    several = (options(), options("other", outbox=True))

    assert actions("RoleSweeper", *several) - actions("RoleSweeper") == {"dynamodb:PutItem", "s3:PutObject"}
    assert resources("RoleSweeper", "dynamodb:PutItem", *several) == ["Table.Arn"]
    assert resources("RoleSweeper", "s3:PutObject", *several) == ["${PayloadBucket.Arn}/payloads/*"]


def test_the_sweeper_queries_the_index_alone_and_sends_to_all_queues() -> None:
    assert resources("RoleSweeper", "dynamodb:Query") == ["${Table.Arn}/index/due"]
    assert resources("RoleSweeper", "sqs:SendMessage") == ["QueueDefault.Arn", "QueueReports.Arn"]


@pytest.mark.parametrize("role", ["RoleDefaultWorker", "RoleSweeper"])
def test_functions_may_be_invoked_only_where_an_alias_sends_that_way(role: str) -> None:
    name = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:shop-dev-%s-worker"

    assert "lambda:InvokeFunction" not in actions(role)
    assert resources(role, "lambda:InvokeFunction", *INVOKING) == [name % "default", name % "reports"]


def test_nothing_is_allowed_on_everything_and_every_action_is_spelled_out() -> None:
    found = list(all_statements())

    assert len(found) > 10
    for statement in found:
        assert not any("*" in action for action in statement["Action"])
        for resource in statement["Resource"]:
            # A reference to a resource of this stack, or the ARN of one of its functions by name.
            text = _short(resource)
            assert text.split(".")[0].strip("${") in document()["Resources"] or ":function:shop-dev-" in text


def test_each_function_has_a_role_of_its_own_that_only_lambda_may_take() -> None:
    roles = of_type("IAM::Role")
    taken = [one["Role"]["Fn::GetAtt"][0] for one in of_type("Lambda::Function").values()]

    assert sorted(taken) == sorted(roles)
    for role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
