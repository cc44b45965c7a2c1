"""Every statement and every resource of the largest template, so that none that is added can be forgotten."""

from collections.abc import Iterator
from typing import Any

import pytest

from django_offload.conf.schedules import Recurrence
from django_offload.stack import StageEnvironment, Vpc
from django_offload.stack.statements import NETWORK
from tests.unit.stack.evaluate import Evaluated
from tests.unit.stack.examples import evaluated, options, statements_of

ACCOUNT = {"Ref": "AWS::AccountId"}
NIGHTLY = Recurrence(task="shop.tasks.report", when="cron(0 3 * * ? *)")
EVERYTHING = (
    options(schedules={"nightly": NIGHTLY}, history=True, outbox=True),
    options("direct", transport="lambda"),
)
PARAMETERS = {"BoardEnabled": "true", "AlarmEmail": "ops@example.com"}
OWN_KEYS = {
    "KmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/1",
    "SecretsKmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/2",
}
STAGE = StageEnvironment(
    secrets={"SECRET_KEY": "ssm:/shop/key", "DATABASE_URL": "secretsmanager:shop/database"},
    vpc=Vpc(subnets=["subnet-1"], security_groups=["sg-1"]),
)
# Who may call what, besides the roles of functions: everything else in a template is no door.
WITHOUT_POLICY = {
    *("CloudFormation::WaitConditionHandle", "CloudWatch::Alarm", "CloudWatch::Dashboard", "DynamoDB::Table"),
    *("Events::Rule", "Lambda::Alias", "Lambda::EventInvokeConfig", "Lambda::EventSourceMapping"),
    *("Lambda::Function", "Lambda::Version", "Logs::LogGroup", "Logs::MetricFilter", "S3::Bucket"),
    *("SNS::Topic", "SQS::Queue", "Scheduler::Schedule", "Scheduler::ScheduleGroup"),
}
WITH_POLICY = {
    *("IAM::Policy", "IAM::Role", "Lambda::Permission", "S3::BucketPolicy", "SNS::TopicPolicy"),
    "SQS::QueuePolicy",
}


@pytest.fixture(params=[PARAMETERS, {**PARAMETERS, **OWN_KEYS}], ids=["plain", "own keys"])
def stack(request: pytest.FixtureRequest) -> Evaluated:
    return evaluated(*EVERYTHING, parameters=request.param, stage_environment=STAGE)


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every policy statement anywhere in a template."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for element in value:
            yield from statements(element)


def by_services(stack: Evaluated) -> list[dict[str, Any]]:
    """Return the statements that allow a service something: trust policies and policies of resources."""
    return [one for one in statements(stack.resources) if one["Effect"] == "Allow" and "Principal" in one]


def test_every_type_of_resource_is_known_here(stack: Evaluated) -> None:
    kinds = {resource["Type"].removeprefix("AWS::") for resource in stack.resources.values()}

    assert kinds <= WITHOUT_POLICY | WITH_POLICY
    assert kinds >= WITH_POLICY


def test_every_service_acts_for_a_source_of_this_account(stack: Evaluated) -> None:
    trusts = [
        statement
        for role in stack.of_type("IAM::Role").values()
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    ]

    assert all(trust in by_services(stack) for trust in trusts)
    assert (
        len(by_services(stack)) == len(trusts) + 2
    )  # EventBridge to the failed events, alarms to the topic.
    for statement in by_services(stack):
        assert list(statement["Principal"]) == ["Service"]
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        (operator,) = condition.keys() - {"StringEquals"}
        (source,) = condition[operator].values()
        assert list(condition[operator]) == ["aws:SourceArn"]
        # AWS documents no source for execution roles, so those alone may come without one.
        is_lambda = statement["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert operator in ({"ArnLikeIfExists"} if is_lambda else {"ArnEquals", "ArnLike"})
        assert "Fn::GetAtt" in source or "${AWS::Region}:${AWS::AccountId}:" in source["Fn::Sub"]


def test_every_permission_names_its_source_and_account(stack: Evaluated) -> None:
    permissions = stack.of_type("Lambda::Permission").values()

    assert permissions
    for permission in permissions:
        assert permission["SourceAccount"] == ACCOUNT
        assert "Fn::GetAtt" in permission["SourceArn"]
        assert permission["Action"] == "lambda:InvokeFunction"


def test_no_statement_has_a_wildcard_that_aws_does_not_require(stack: Evaluated) -> None:
    everything = [one for one in statements(stack.resources) if one["Effect"] == "Allow"]

    assert len(everything) > 40
    for statement in everything:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions)
        if "*" in statement.get("Resource", []):
            assert actions in (["cloudwatch:GetMetricData"], list(NETWORK))
        assert not {"NotAction", "NotResource", "NotPrincipal"} & statement.keys()


def test_only_messages_that_did_not_verify_are_listed(stack: Evaluated) -> None:
    (statement,) = [one for one in statements(stack.resources) if "s3:ListBucket" in one["Action"]]

    assert statement["Resource"] == [{"Fn::GetAtt": ["PayloadBucket", "Arn"]}]
    assert statement["Condition"] == {"StringEquals": {"s3:prefix": "dead/"}}


WRITES = {
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
    *("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete", "ImportTable", "RestoreTableFromBackup"),
}


def test_only_roles_that_write_records_may_write_to_the_table(stack: Evaluated) -> None:
    """Whoever may write a record chooses a task and its arguments, so this list is a boundary."""

    def writes(found: Any) -> set[str]:
        return {
            action.removeprefix("dynamodb:")
            for statement in found
            for action in statement["Action"]
            if action.startswith("dynamodb:") and action.removeprefix("dynamodb:") in WRITES
        }

    allowed = {
        name: writes(statements_of(resource))
        for name, resource in stack.resources.items()
        if resource["Type"] == "AWS::IAM::Role"
    }
    board = stack.resources["BoardPolicy"]["Properties"]["PolicyDocument"]["Statement"]

    assert {name: found for name, found in allowed.items() if found} == {
        "RoleWeb": {"PutItem", "UpdateItem"},
        "RoleDefaultWorker": {"UpdateItem"},
        "RoleReportsWorker": {"UpdateItem"},
        "RoleDeadLetter": {"UpdateItem"},
        "RoleSweeper": {"UpdateItem"},
    }
    assert {"RoleMigrate", "RoleScheduler"} <= allowed.keys()
    assert writes(board) == set()
    # The table has no policy of its own, so nobody in another account may write.
    assert "ResourcePolicy" not in stack.resources["Table"]["Properties"]


def test_everything_that_stores_data_is_encrypted_private_and_expires(stack: Evaluated) -> None:
    queues, buckets = stack.of_type("SQS::Queue"), stack.of_type("S3::Bucket")
    policies = [*stack.of_type("SQS::QueuePolicy").values(), *stack.of_type("S3::BucketPolicy").values()]
    policies += stack.of_type("SNS::TopicPolicy").values()
    only_tls = [
        statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ]

    assert len(only_tls) == len(policies) == len(queues) + len(buckets) + len(stack.of_type("SNS::Topic"))
    for queue in queues.values():
        assert queue["SqsManagedSseEnabled"] or queue["KmsMasterKeyId"]
        assert queue["MessageRetentionPeriod"] <= 14 * 86_400
    for table in stack.of_type("DynamoDB::Table").values():
        assert table["SSESpecification"]["SSEEnabled"] is True
        assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    for bucket in buckets.values():
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["LifecycleConfiguration"]["Rules"]
    for group in stack.of_type("Logs::LogGroup").values():
        assert group["RetentionInDays"]


def test_the_rule_has_the_name_of_the_function_that_it_starts(stack: Evaluated) -> None:
    """By this name the sweeper knows that an event comes from its own rule."""
    rule = stack.resources["SweeperSchedule"]["Properties"]
    function = stack.resources["FunctionSweeper"]["Properties"]

    assert rule["Name"] == function["FunctionName"] == "shop-dev-sweeper"
    # EventBridge sends its own event, as released stacks do.
    assert all("Input" not in target and "InputTransformer" not in target for target in rule["Targets"])
