"""What neither cfn-lint nor checkov checks: who has access, how, and how often Lambda retries."""

from typing import Any

import pytest

from django_offload.exceptions import ConfigurationError
from django_offload.stack import StageEnvironment, Vpc
from tests.unit.stack.examples import document, evaluated, of_type, options, properties, statements_of

BOTH = (options(), options("direct", transport="lambda"))
ACCOUNT = {"Ref": "AWS::AccountId"}
VERSION_PARAMETERS = ("CodeKey", "Release", "KmsKeyArn", "Architecture", "Runtime", "SnapStart")


def test_every_queue_and_the_bucket_refuse_calls_without_tls() -> None:
    stage = evaluated()
    policies = [*stage.of_type("SQS::QueuePolicy").values(), *stage.of_type("S3::BucketPolicy").values()]

    resources = []
    for policy in policies:
        deny = policy["PolicyDocument"]["Statement"][0]
        assert (deny["Effect"], deny["Principal"]) == ("Deny", "*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        resources.append(deny["Resource"][0]["Fn::GetAtt"][0])
    assert sorted(resources) == sorted([*stage.of_type("SQS::Queue"), "PayloadBucket"])
    # The bucket's own ARN doesn't include its objects.
    assert policies[-1]["PolicyDocument"]["Statement"][0]["Resource"][1] == {
        "Fn::Sub": "${PayloadBucket.Arn}/*"
    }


def test_every_service_with_access_acts_for_one_source_of_this_account() -> None:
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


def test_events_that_lambda_gives_up_are_kept_and_a_sweep_is_not_retried() -> None:
    limits = evaluated(*BOTH).of_type("Lambda::EventInvokeConfig")

    assert {name: one["MaximumRetryAttempts"] for name, one in limits.items()} == {
        "EventsDefaultWorker": 2,
        "EventsReportsWorker": 2,
        "EventsSweeper": 0,
        "EventsSweeperShards": 0,
    }
    for name, one in limits.items():
        assert one["Qualifier"] == ("shards" if name == "EventsSweeperShards" else "live")
        assert 60 <= one["MaximumEventAgeInSeconds"] <= 21_600
        assert one["DestinationConfig"] == {
            "OnFailure": {"Destination": {"Fn::GetAtt": ["FailedEvents", "Arn"]}}
        }


def test_a_new_version_is_published_for_whatever_a_function_is_made_of() -> None:
    def described(*several: Any, name: str = "VersionReportsWorker") -> str:
        found = properties(name, *several)["Description"]["Fn::Sub"]
        return str(found)

    for parameter in (*VERSION_PARAMETERS, "TimeoutReports", "MemoryReports"):
        assert f"${{{parameter}}}" in described()
    assert described() == described()
    assert described() != described(options(bucket=None))  # Another environment.
    assert document()["Resources"]["VersionReportsWorker"]["UpdateReplacePolicy"] == "Retain"


def test_a_parameter_in_a_versions_description_changes_its_function_too() -> None:
    """Lambda publishes no version of an unchanged function, and CloudFormation then fails."""
    plain = properties("FunctionReportsWorker")
    values = {"Architecture": "arm64", "SnapStart": "true", "MemoryReports": 3008, "TimeoutReports": "900"}

    for parameter in (*VERSION_PARAMETERS, "TimeoutReports", "MemoryReports"):
        other = evaluated(parameters={parameter: values.get(parameter, "another")})
        assert other.resources["FunctionReportsWorker"]["Properties"] != plain, parameter


def test_the_longest_description_of_a_version_fits_lambdas_limit() -> None:
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


def test_snapshots_are_taken_if_a_stage_enables_them() -> None:
    def applied(**parameters: object) -> set[str]:
        functions = evaluated(parameters=parameters).of_type("Lambda::Function").values()
        return {
            one["SnapStart"]["ApplyOn"] for one in functions if one["Handler"] != "lambdas.migrate.handler"
        }

    assert applied() == {"None"}
    assert applied(SnapStart="true") == {"PublishedVersions"}


def test_a_function_that_only_deployments_invoke_has_neither_version_nor_snapshot() -> None:
    resources = evaluated(parameters={"SnapStart": "true"}).resources

    assert "SnapStart" not in resources["FunctionMigrate"]["Properties"]
    assert not {"VersionMigrate", "AliasMigrate"} & set(resources)
    assert {"VersionSweeper", "AliasSweeper"} <= set(resources)


def test_a_key_of_the_customer_encrypts_everything_that_stores_data() -> None:
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


def test_alarms_are_sent_to_an_address_only_if_a_stage_names_one() -> None:
    stage = evaluated(parameters={"AlarmEmail": "ops@example.com"})

    assert all("AlarmActions" not in alarm for alarm in of_type("CloudWatch::Alarm").values())
    assert "AlarmTopic" not in evaluated().resources
    assert stage.resources["AlarmTopic"]["Properties"]["Subscription"] == [
        {"Endpoint": "ops@example.com", "Protocol": "email"}
    ]
    for alarm in stage.of_type("CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]


@pytest.mark.parametrize(
    ("stage_environment", "text"),
    [
        (
            StageEnvironment(environment={"PYTHONPATH": "x"}),
            "sets the variable 'PYTHONPATH', which functions can't have",
        ),
        (StageEnvironment(environment={"AWS_REGION": "x"}), "'AWS_REGION'"),
        (
            StageEnvironment(environment={"A": "x"}, secrets={"A": "ssm:/a"}),
            "'A', which functions can't have",
        ),
        (
            StageEnvironment(environment={"AB": "x"}, secrets={"AB": "ssm:/a"}),
            "both in its environment and in its secrets",
        ),
        (
            StageEnvironment(secrets={"KEY": "hunter2"}),
            "'KEY' of the stage doesn't say where its value is",
        ),
        (
            StageEnvironment(vpc=Vpc(subnets=["subnet-1"], security_groups=[])),
            "has no subnets or no security groups",
        ),
    ],
)
def test_what_a_function_cannot_have_is_refused(stage_environment: StageEnvironment, text: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        document(stage_environment=stage_environment)

    assert text in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_functions_get_references_to_secrets_that_their_roles_may_read() -> None:
    secrets = {"KEY": "ssm:/shop/key", "TOKEN": "secretsmanager:shop/token"}
    stage_environment = StageEnvironment(environment={"MODE": "x"}, secrets=secrets)
    resources = document(stage_environment=stage_environment)["Resources"]
    prefix = "arn:${AWS::Partition}:%s:${AWS::Region}:${AWS::AccountId}:%s"

    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Function":
            variables = resource["Properties"]["Environment"]["Variables"]
            assert (
                variables["OFFLOAD_SECRETS"] == '{"KEY":"ssm:/shop/key","TOKEN":"secretsmanager:shop/token"}'
            )
            assert variables["MODE"] == "x"
    for role in ("RoleWeb", "RoleDefaultWorker", "RoleDeadLetter", "RoleSweeper", "RoleMigrate"):
        statements = statements_of(resources[role])
        allowed = {one["Action"][0]: one["Resource"] for one in statements if "Action" in one}
        assert allowed["ssm:GetParameters"] == [{"Fn::Sub": prefix % ("ssm", "parameter/shop/key")}]
        assert allowed["secretsmanager:GetSecretValue"] == [
            {"Fn::Sub": prefix % ("secretsmanager", "secret:shop/token-??????")}
        ]


def test_a_role_may_read_a_secret_of_which_the_stage_names_keys() -> None:
    secrets = {"NAME": "secretsmanager:rds!db-1:username", "PASSWORD": "secretsmanager:rds!db-1:password"}
    resources = document(stage_environment=StageEnvironment(secrets=secrets))["Resources"]

    allowed = [
        one for one in statements_of(resources["RoleWeb"]) if "secretsmanager" in str(one.get("Action"))
    ]

    secret = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:rds!db-1-??????"
    assert [statement["Resource"] for statement in allowed] == [[{"Fn::Sub": secret}]]


def test_in_a_vpc_lambda_may_create_interfaces_and_the_code_may_not() -> None:
    vpc = Vpc(subnets=["subnet-1", "subnet-2"], security_groups=["sg-1"])
    resources = document(stage_environment=StageEnvironment(vpc=vpc))["Resources"]

    assert resources["FunctionSweeper"]["Properties"]["VpcConfig"] == {
        "SubnetIds": ["subnet-1", "subnet-2"],
        "SecurityGroupIds": ["sg-1"],
    }
    allowed, denied = (
        one
        for one in statements_of(resources["RoleWeb"])
        if "ec2:CreateNetworkInterface" in one.get("Action", ())
    )
    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert allowed["Action"] == denied["Action"]
    (function,) = denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]
    assert function["Fn::Sub"].endswith(":function:${WebFunction}")
