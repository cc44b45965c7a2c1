"""What each function may do, and with which resources."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_offload.stack import StageEnvironment
from tests.unit.stack.examples import document, evaluated, of_type, options, statements_of

PERMISSIONS = Path(__file__).resolve().parents[3] / "django_app" / "docs" / "explanation" / "permissions.md"
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
INVOKING = (options(), options("direct", transport="lambda"))
# What Lambda itself does with the role of a function that it feeds.
FEEDING = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1"
SECRETS = StageEnvironment(secrets={"SECRET_KEY": "ssm:/shop/key", "DATABASE_URL": "ssm:/shop/database"})


def statements(role: str, *several: Any) -> list[dict[str, Any]]:
    return statements_of(evaluated(*several).resources[role])


def actions(role: str, *several: Any) -> set[str]:
    return {action for one in statements(role, *several) for action in one["Action"]}


def calls(role: str, *several: Any) -> set[str]:
    """Return what a role's own code may call."""
    role_resource = evaluated(*several).resources[role]
    return {action for one in statements_of(role_resource, "works") for action in one["Action"]}


def deployed(role: str, *several: Any) -> set[str]:
    """Return what a role may do with a stage's secrets, except writing its log."""
    role_resource = evaluated(*several, stage_environment=SECRETS).resources[role]
    return {action for one in statements_of(role_resource) for action in one["Action"]} - LOGS


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
    "several",
    [(options(),), (options(transport="lambda"),), INVOKING],
    ids=["queues", "invocations", "both"],
)
def test_roles_have_no_more_actions_than_promised(
    several: tuple[Any, ...],
) -> None:
    web, worker = (deployed(role, *several) for role in ("RoleWeb", "RoleReportsWorker"))

    assert "ssm:GetParameters" in web & worker
    assert len(web) <= 8
    # This counts what Lambda does with the worker's role too. A project with both backends needs one more.
    assert len(worker) <= 10 + (several == INVOKING)
    assert len(board(*several)) <= 8


@pytest.mark.parametrize("several", [(options(),), INVOKING], ids=["queues", "both"])
def test_what_lambda_does_with_a_role_is_separate_from_what_its_code_calls(several: tuple[Any, ...]) -> None:
    resources = evaluated(*several, parameters={"KmsKeyArn": KEY}).resources

    def runs(role: str) -> set[str]:
        return {action for one in statements_of(resources[role], "runs") for action in one["Action"]}

    kms = {"kms:Decrypt", "kms:GenerateDataKey"}
    failed_events = {"sqs:SendMessage"} if several == INVOKING else set()
    assert runs("RoleReportsWorker") - LOGS - kms == FEEDING | failed_events
    assert runs("RoleDeadLetter") - LOGS - kms == FEEDING
    assert runs("RoleSweeper") - LOGS - kms == {"sqs:SendMessage"}
    assert runs("RoleWeb") == runs("RoleMigrate") == LOGS | kms


def test_both_backends_together_need_one_more_action_of_the_web() -> None:
    assert actions("RoleWeb", *INVOKING) - actions("RoleWeb") == {"lambda:InvokeFunction"}
    assert len(actions("RoleWeb", *INVOKING) - LOGS) <= 8


def test_a_stack_with_one_backend_allows_nothing_of_the_other() -> None:
    invoking = options(transport="lambda")

    for role in ("RoleWeb", "RoleReportsWorker", "RoleSweeper"):
        workers = [name for name in resources(role, "lambda:InvokeFunction") if "-worker" in name]
        assert workers == []
        assert not any(action.startswith("sqs:") for action in calls(role, invoking))
        assert calls(role) | calls(role, invoking) == calls(role, *INVOKING)


def board(*several: Any) -> set[str]:
    stage = evaluated(*several, parameters={"BoardEnabled": "true"})
    policy = stage.resources["BoardPolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "RoleWeb"}]
    return {action for one in policy["PolicyDocument"]["Statement"] for action in one["Action"]}


@pytest.mark.parametrize(
    ("history", "indexes"),
    [
        (False, ["due"]),
        (True, ["due", "history"]),
        ("both", ["due", "history", "history-sharded"]),
        ("sharded", ["due", "history-sharded"]),
    ],
)
def test_the_board_queries_the_indexes_that_the_table_has(history: bool | str, indexes: list[str]) -> None:
    stage = evaluated(options(history=history), parameters={"BoardEnabled": "true"})
    statements = stage.resources["BoardPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    (query,) = [one for one in statements if one["Action"] == ["dynamodb:Query"]]

    assert query["Resource"][1:] == [{"Fn::Sub": f"${{Table.Arn}}/index/{index}"} for index in indexes]


def test_the_board_has_no_permissions_unless_a_stage_enables_it() -> None:
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


@pytest.mark.parametrize(
    ("parameter", "actions"),
    [("KmsKeyArn", ["kms:Decrypt", "kms:GenerateDataKey"]), ("SecretsKmsKeyArn", ["kms:Decrypt"])],
)
def test_every_role_may_use_the_customers_key_from_its_creation(parameter: str, actions: list[str]) -> None:
    """A policy that is attached later is too late for a function that starts at once."""

    def allowed(**parameters: object) -> dict[str, list[Any]]:
        roles = {
            name: one
            for name, one in evaluated(parameters=parameters).resources.items()
            if one["Type"] == "AWS::IAM::Role"
        }
        return {
            name: [one for one in statements_of(role) if one["Action"][0].startswith("kms:")]
            for name, role in roles.items()
        }

    assert not any(allowed().values())
    for statements in allowed(**{parameter: KEY}).values():
        (statement,) = statements
        assert (statement["Action"], statement["Resource"]) == (actions, [KEY])


@pytest.mark.parametrize(
    ("parameter", "roles"),
    [("WorkerPolicies", {"RoleDefaultWorker", "RoleReportsWorker"}), ("WebPolicies", {"RoleWeb"})],
)
def test_a_stage_may_attach_its_own_policies_to_workers_or_web(parameter: str, roles: set[str]) -> None:
    policies = "arn:aws:iam::123456789012:policy/shop/Files,arn:aws:iam::aws:policy/AmazonSESFullAccess"

    def attached(**parameters: object) -> dict[str, Any]:
        roles = evaluated(parameters=parameters).of_type("IAM::Role")
        return {name: one["ManagedPolicyArns"] for name, one in roles.items() if "ManagedPolicyArns" in one}

    assert attached() == {}
    assert attached(**{parameter: policies}) == {role: {"Fn::Split": [",", policies]} for role in roles}
    pattern = document()["Parameters"][parameter]["AllowedPattern"]
    assert all(re.fullmatch(pattern, text) for text in ("", policies))
    assert not any(re.fullmatch(pattern, text) for text in ("*", f"{policies},", "arn:aws:iam::aws:role/x"))


def test_a_worker_receives_from_its_own_queue_and_sends_to_all() -> None:
    assert resources("RoleReportsWorker", "sqs:ReceiveMessage") == ["QueueReports.Arn"]
    assert resources("RoleReportsWorker", "sqs:ChangeMessageVisibility") == ["QueueReports.Arn"]
    assert resources("RoleReportsWorker", "sqs:SendMessage") == ["QueueDefault.Arn", "QueueReports.Arn"]


def test_a_worker_may_use_the_table_but_not_its_index() -> None:
    assert resources("RoleReportsWorker", "dynamodb:UpdateItem") == ["Table.Arn"]


def test_the_dead_letter_function_may_do_exactly_what_it_does() -> None:
    assert actions("RoleDeadLetter") == LOGS | {
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "dynamodb:GetItem",
        "dynamodb:UpdateItem",
        "s3:PutObject",
        "s3:GetObject",
    }
    # For task_finished, which has the arguments of the task.
    assert resources("RoleDeadLetter", "s3:GetObject") == ["${PayloadBucket.Arn}/payloads/*"]


def test_the_dead_letter_function_stores_unverified_bodies_under_dead() -> None:
    assert resources("RoleDeadLetter", "sqs:ReceiveMessage") == [
        "DeadLetterQueueDefault.Arn",
        "DeadLetterQueueReports.Arn",
    ]
    assert resources("RoleDeadLetter", "s3:PutObject") == ["${PayloadBucket.Arn}/dead/*"]


def test_the_sweeper_may_do_exactly_what_it_does() -> None:
    assert actions("RoleSweeper") == LOGS | {
        "dynamodb:Query",
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:UpdateItem",
        "lambda:InvokeFunction",
        "sqs:SendMessage",
        "sqs:GetQueueAttributes",
        "s3:GetObject",
    }
    assert resources("RoleSweeper", "s3:GetObject") == ["${PayloadBucket.Arn}/payloads/*"]


def test_with_an_outbox_the_sweeper_may_also_store_payloads() -> None:
    several = (options(), options("other", outbox=True))

    assert actions("RoleSweeper", *several) - actions("RoleSweeper") == {"s3:PutObject"}
    assert resources("RoleSweeper", "s3:PutObject", *several) == ["${PayloadBucket.Arn}/payloads/*"]


def test_the_sweeper_queries_only_the_index_and_sends_to_all_queues() -> None:
    assert resources("RoleSweeper", "dynamodb:Query") == ["${Table.Arn}/index/due"]
    assert resources("RoleSweeper", "sqs:SendMessage") == [
        "QueueDefault.Arn",
        "QueueReports.Arn",
        # Lambda, with this role, sends a sweep that it couldn't start to this queue.
        "FailedEvents.Arn",
    ]


FUNCTION = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:shop-dev-%s"
OWN_SHARDS = FUNCTION % "sweeper:shards"


@pytest.mark.parametrize(("role", "own"), [("RoleDefaultWorker", []), ("RoleSweeper", [OWN_SHARDS])])
def test_workers_may_be_invoked_only_if_an_alias_uses_lambda_backend(role: str, own: list[str]) -> None:
    workers = [FUNCTION % "default-worker:live", FUNCTION % "reports-worker:live"]

    assert resources(role, "lambda:InvokeFunction") == own
    assert sorted(resources(role, "lambda:InvokeFunction", *INVOKING)) == sorted(workers + own)


def test_only_the_sweeper_may_invoke_itself_and_only_by_the_alias_of_its_own() -> None:
    named = {
        role: [name for name in resources(role, "lambda:InvokeFunction", *INVOKING) if "sweeper" in name]
        for role in of_type("IAM::Role", *INVOKING)
    }
    renamed = options(functions={"sweeper": "broom"})

    assert {role: names for role, names in named.items() if names} == {"RoleSweeper": [OWN_SHARDS]}
    (name,) = resources("RoleSweeper", "lambda:InvokeFunction", renamed)
    assert name.endswith(":function:broom:shards")


def test_nothing_is_allowed_on_everything_and_every_action_is_spelled_out() -> None:
    every_statement = list(all_statements())

    assert len(every_statement) > 10
    for statement in every_statement:
        assert not any("*" in action for action in statement["Action"])
        for resource in statement["Resource"]:
            # A reference to a resource of this stack, or the ARN of one of its functions, built from a name.
            text = _short(resource)
            assert text.split(".")[0].strip("${") in document()["Resources"] or ":function:shop-dev-" in text


def test_each_function_has_a_role_of_its_own_that_only_lambda_of_this_account_may_take() -> None:
    roles = of_type("IAM::Role")
    taken = [one["Role"]["Fn::GetAtt"][0] for one in of_type("Lambda::Function").values()]

    assert sorted([*taken, "RoleWeb"]) == sorted(roles)  # The web's function is Zappa's.
    for role in roles.values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        here = {"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:*"}
        assert trust["Condition"] == {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnLikeIfExists": {"aws:SourceArn": here},
        }


def test_the_page_counts_the_actions_of_the_roles() -> None:
    page = PERMISSIONS.read_text()
    rows = re.findall(r"^\| ([\w ]+?) \| .* \| (\d+)[^|]* \|$", page, re.MULTILINE)

    counted = {"web": "RoleWeb", "worker": "RoleReportsWorker", "dead letter": "RoleDeadLetter"}
    counted |= {"sweeper": "RoleSweeper", "migrate": "RoleMigrate"}
    assert dict(rows) == {name: str(len(calls(role))) for name, role in counted.items()}
