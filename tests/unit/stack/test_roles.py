"""What each function may do, and to what."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.stack.examples import document, evaluated, of_type, options, properties

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
        "s3:GetObject",
        "s3:PutObject",
    }


def test_the_web_may_do_exactly_what_it_does() -> None:
    assert actions("RoleWeb") == LOGS | {
        "sqs:SendMessage",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "s3:GetObject",
        "s3:PutObject",
    }
    assert resources("RoleWeb", "sqs:SendMessage") == ["QueueDefault.Arn", "QueueReports.Arn"]
    assert resources("RoleWeb", "s3:GetObject") == ["${PayloadBucket.Arn}/payloads/*"]


@pytest.mark.parametrize(
    "several", [(options(),), (options(transport="lambda"),)], ids=["queues", "invocations"]
)
def test_roles_keep_within_what_was_promised(several: tuple[Any, ...]) -> None:
    assert len(actions("RoleWeb", *several) - LOGS) <= 8
    assert len(actions("RoleReportsWorker", *several) - LOGS) <= 10
    assert len(board(*several)) <= 8


def test_both_ways_of_sending_cost_the_web_one_action_more() -> None:
    assert actions("RoleWeb", *INVOKING) - actions("RoleWeb") == {"lambda:InvokeFunction"}
    assert len(actions("RoleWeb", *INVOKING) - LOGS) <= 8


def board(*several: Any) -> set[str]:
    stage = evaluated(*several, parameters={"BoardEnabled": "true"})
    policy = stage.resources["BoardPolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "RoleWeb"}]
    return {action for one in policy["PolicyDocument"]["Statement"] for action in one["Action"]}


def test_the_board_has_no_rights_unless_a_stage_wants_it() -> None:
    assert "BoardPolicy" not in evaluated().resources
    assert board() == {
        "dynamodb:Query",
        "dynamodb:BatchGetItem",
        "cloudwatch:GetMetricData",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "s3:ListBucket",
        "s3:GetObject",
        "s3:DeleteObject",
    }


def test_every_role_may_use_the_customers_key_where_there_is_one() -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    stage = evaluated(parameters={"KmsKeyArn": key})

    policy = stage.resources["OwnKeyPolicy"]["Properties"]

    assert "OwnKeyPolicy" not in evaluated().resources
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == (["kms:Decrypt", "kms:GenerateDataKey"], [key])
    assert sorted(role["Ref"] for role in policy["Roles"]) == sorted(of_type("IAM::Role"))


def test_a_worker_receives_from_its_own_queue_and_sends_to_all() -> None:
    assert resources("RoleReportsWorker", "sqs:ReceiveMessage") == ["QueueReports.Arn"]
    assert resources("RoleReportsWorker", "sqs:ChangeMessageVisibility") == ["QueueReports.Arn"]
    assert resources("RoleReportsWorker", "sqs:SendMessage") == ["QueueDefault.Arn", "QueueReports.Arn"]


def test_a_worker_touches_the_table_but_not_its_index() -> None:
    assert resources("RoleReportsWorker", "dynamodb:UpdateItem") == ["Table.Arn"]


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
    assert resources("RoleSweeper", "sqs:SendMessage") == [
        "QueueDefault.Arn",
        "QueueReports.Arn",
        # Where Lambda keeps, as this role, a sweep that it could not start.
        "FailedEvents.Arn",
    ]


@pytest.mark.parametrize("role", ["RoleDefaultWorker", "RoleSweeper"])
def test_functions_may_be_invoked_only_where_an_alias_sends_that_way(role: str) -> None:
    name = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:shop-dev-%s-worker:live"

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


def test_each_function_has_a_role_of_its_own_that_only_lambda_of_this_account_may_take() -> None:
    roles = of_type("IAM::Role")
    taken = [one["Role"]["Fn::GetAtt"][0] for one in of_type("Lambda::Function").values()]

    assert sorted([*taken, "RoleWeb"]) == sorted(roles)  # The web's function is Zappa's.
    for role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_page_counts_the_actions_of_the_roles() -> None:
    page = (Path(__file__).resolve().parents[3] / "infra" / "README.md").read_text()
    rows = re.findall(r"^\| ([\w ]+?) \| .* \| (\d+)[^|]* \|$", page, re.MULTILINE)

    counted = {"web": "RoleWeb", "worker": "RoleReportsWorker", "dead letter": "RoleDeadLetter"}
    counted |= {"sweeper": "RoleSweeper", "migrate": "RoleMigrate"}
    assert dict(rows) == {name: str(len(actions(role) - LOGS)) for name, role in counted.items()}
