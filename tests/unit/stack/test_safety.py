"""What neither cfn-lint nor checkov looks at: who is let in, by which way, and how long things are tried."""

from typing import Any

import pytest

from django_offload.exceptions import ConfigurationError
from django_offload.stack import Surroundings, Vpc
from tests.unit.stack.examples import document, evaluated, of_type, options, properties, statements_of

BOTH = (options(), options("direct", transport="lambda"))
ACCOUNT = {"Ref": "AWS::AccountId"}
GIVEN = ("CodeKey", "Release", "KmsKeyArn", "Architecture", "Runtime", "SnapStart")


def test_every_queue_and_the_bucket_refuse_what_does_not_come_by_tls() -> None:
    stage = evaluated()
    policies = [*stage.of_type("SQS::QueuePolicy").values(), *stage.of_type("S3::BucketPolicy").values()]

    held = []
    for policy in policies:
        deny = policy["PolicyDocument"]["Statement"][0]
        assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        held.append(deny["Resource"][0]["Fn::GetAtt"][0])
    assert sorted(held) == sorted([*stage.of_type("SQS::Queue"), "PayloadBucket"])
    # The objects too: the bucket's own ARN is not theirs.
    assert policies[-1]["PolicyDocument"]["Statement"][0]["Resource"][1] == {
        "Fn::Sub": "${PayloadBucket.Arn}/*"
    }


def test_every_service_that_is_let_in_acts_for_one_source_of_this_account() -> None:
    stage = evaluated(*BOTH, parameters={"AlarmEmail": "a@b.c"})
    permissions = stage.of_type("Lambda::Permission").values()
    statements = [
        statement
        for kind in ("SQS::QueuePolicy", "SNS::TopicPolicy")
        for policy in stage.of_type(kind).values()
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]

    assert all(one["SourceAccount"] == ACCOUNT and one["SourceArn"] for one in permissions)
    assert {one["Principal"]["Service"] for one in statements} == {
        "events.amazonaws.com",
        "cloudwatch.amazonaws.com",
    }
    for statement in statements:
        condition = statement["Condition"]
        assert condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        assert "aws:SourceArn" in (condition.get("ArnEquals") or condition["ArnLike"])


def test_events_that_lambda_gives_up_are_kept_and_a_sweep_is_not_repeated() -> None:
    limits = evaluated(*BOTH).of_type("Lambda::EventInvokeConfig")

    assert {name: one["MaximumRetryAttempts"] for name, one in limits.items()} == {
        "EventsDefaultWorker": 2,
        "EventsReportsWorker": 2,
        "EventsSweeper": 0,
    }
    for one in limits.values():
        assert one["Qualifier"] == "live"
        assert 60 <= one["MaximumEventAgeInSeconds"] <= 21_600
        assert one["DestinationConfig"] == {
            "OnFailure": {"Destination": {"Fn::GetAtt": ["FailedEvents", "Arn"]}}
        }


def test_a_new_version_is_published_for_whatever_a_function_is_made_of() -> None:
    def described(*several: Any, name: str = "VersionReportsWorker") -> str:
        found = properties(name, *several)["Description"]["Fn::Sub"]
        return str(found)

    for parameter in (*GIVEN, "TimeoutReports", "MemoryReports"):
        assert f"${{{parameter}}}" in described()
    assert described() == described()
    assert described() != described(options(bucket=None))  # Another environment.
    assert document()["Resources"]["VersionReportsWorker"]["UpdateReplacePolicy"] == "Retain"


def test_what_names_a_new_version_changes_its_function_too() -> None:
    """Lambda publishes no version of a function that is as it was, and CloudFormation fails then."""
    plain = properties("FunctionReportsWorker")
    values = {"Architecture": "arm64", "SnapStart": "true", "MemoryReports": 3008, "TimeoutReports": "900"}

    for parameter in (*GIVEN, "TimeoutReports", "MemoryReports"):
        other = evaluated(parameters={parameter: values.get(parameter, "another")})
        assert other.resources["FunctionReportsWorker"]["Properties"] != plain, parameter


def test_the_longest_description_of_a_version_is_one_that_lambda_takes() -> None:
    text = properties("VersionReportsWorker")["Description"]["Fn::Sub"]
    longest = {
        "CodeKey": f"code/{'f' * 64}.zip",
        "Release": "20261128T152654123456Z-0123abcd",
        "Runtime": "python3.13",
        "KmsKeyArn": f"arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-{'0' * 32}",
        "Architecture": "x86_64",
        "SnapStart": "false",
        "TimeoutReports": "900",
        "MemoryReports": "10240",
    }

    for name, value in longest.items():
        text = text.replace(f"${{{name}}}", value)

    assert "$" not in text
    # https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    assert len(text) <= 256


def test_snapshots_are_taken_where_a_stage_wants_them() -> None:
    def applied(**parameters: object) -> set[str]:
        functions = evaluated(parameters=parameters).of_type("Lambda::Function").values()
        return {
            one["SnapStart"]["ApplyOn"] for one in functions if one["Handler"] != "lambdas.migrate.handler"
        }

    assert applied() == {"None"}
    assert applied(SnapStart="true") == {"PublishedVersions"}


def test_what_only_a_deployment_invokes_has_neither_version_nor_snapshot() -> None:
    found = evaluated(parameters={"SnapStart": "true"}).resources

    assert "SnapStart" not in found["FunctionMigrate"]["Properties"]
    assert not {"VersionMigrate", "AliasMigrate"} & set(found)
    assert {"VersionSweeper", "AliasSweeper"} <= set(found)


def test_a_key_of_the_customers_encrypts_whatever_keeps_something() -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    stage = evaluated(parameters={"KmsKeyArn": key, "AlarmEmail": "a@b.c"})

    for queue in stage.of_type("SQS::Queue").values():
        assert (queue["KmsMasterKeyId"], queue["SqsManagedSseEnabled"]) == (key, False)
    for kind, name in {"Lambda::Function": "KmsKeyArn", "Logs::LogGroup": "KmsKeyId"}.items():
        assert {one[name] for one in stage.of_type(kind).values()} == {key}
    assert stage.resources["AlarmTopic"]["Properties"]["KmsMasterKeyId"] == key
    assert stage.resources["Table"]["Properties"]["SSESpecification"]["KMSMasterKeyId"] == key
    (rule,) = stage.resources["PayloadBucket"]["Properties"]["BucketEncryption"][
        "ServerSideEncryptionConfiguration"
    ]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}


def test_alarms_tell_an_address_only_where_there_is_one() -> None:
    told = evaluated(parameters={"AlarmEmail": "ops@example.com"})

    assert all("AlarmActions" not in alarm for alarm in of_type("CloudWatch::Alarm").values())
    assert "AlarmTopic" not in evaluated().resources
    assert told.resources["AlarmTopic"]["Properties"]["Subscription"] == [
        {"Endpoint": "ops@example.com", "Protocol": "email"}
    ]
    for alarm in told.of_type("CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]


@pytest.mark.parametrize(
    ("surroundings", "text"),
    [
        (Surroundings(environment={"PYTHONPATH": "x"}), "a variable 'PYTHONPATH', which they cannot have"),
        (Surroundings(environment={"AWS_REGION": "x"}), "'AWS_REGION'"),
        (Surroundings(environment={"A": "x"}, secrets={"A": "ssm:/a"}), "'A', which they cannot have"),
        (Surroundings(environment={"AB": "x"}, secrets={"AB": "ssm:/a"}), "in its environment and among"),
        (Surroundings(secrets={"KEY": "hunter2"}), "'KEY' of the stage does not say where its value lies"),
        (Surroundings(vpc=Vpc(subnets=["subnet-1"], security_groups=[])), "lacks subnets or security groups"),
    ],
)
def test_what_a_function_cannot_be_given_is_said(surroundings: Surroundings, text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        document(surroundings=surroundings)

    assert text in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_secrets_reach_functions_as_references_that_their_roles_may_read() -> None:
    secrets = {"KEY": "ssm:/shop/key", "TOKEN": "secretsmanager:shop/token"}
    found = document(surroundings=Surroundings(environment={"MODE": "x"}, secrets=secrets))["Resources"]
    prefix = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"

    for resource in found.values():
        if resource["Type"] == "AWS::Lambda::Function":
            variables = resource["Properties"]["Environment"]["Variables"]
            assert (
                variables["OFFLOAD_SECRETS"] == '{"KEY":"ssm:/shop/key","TOKEN":"secretsmanager:shop/token"}'
            )
            assert variables["MODE"] == "x"
    for role in ("RoleWeb", "RoleDefaultWorker", "RoleDeadLetter", "RoleSweeper", "RoleMigrate"):
        allowed = {one["Action"][0]: one["Resource"] for one in statements_of(found[role]) if "Action" in one}
        assert allowed["ssm:GetParameters"] == [{"Fn::Sub": prefix % ("ssm", "parameter/shop/key")}]
        assert allowed["secretsmanager:GetSecretValue"] == [
            {"Fn::Sub": prefix % ("secretsmanager", "secret:shop/token-??????")}
        ]


def test_in_a_vpc_lambda_may_make_interfaces_and_the_code_may_not() -> None:
    vpc = Vpc(subnets=["subnet-1", "subnet-2"], security_groups=["sg-1"])
    found = document(surroundings=Surroundings(vpc=vpc))["Resources"]

    assert found["FunctionSweeper"]["Properties"]["VpcConfig"] == {
        "SubnetIds": ["subnet-1", "subnet-2"],
        "SecurityGroupIds": ["sg-1"],
    }
    allowed, denied = (
        one
        for one in statements_of(found["RoleWeb"])
        if "ec2:CreateNetworkInterface" in one.get("Action", ())
    )
    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert allowed["Action"] == denied["Action"]
    (function,) = denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]
    assert function["Fn::Sub"].endswith(":function:${WebFunction}")
