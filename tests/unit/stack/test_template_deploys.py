"""Deploy the whole template with moto's CloudFormation, and read it back service by service."""

import ast
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_offload.exceptions import UnknownEvent
from django_offload.local.aws.moto_server import MotoServer
from django_offload.local.aws.schedule import Rule, make_event
from django_offload.stack import build_template
from django_offload.testing import Invocation
from django_offload.worker.sweep_event import read_event
from tests.unit.stack.evaluate import Evaluated
from tests.unit.stack.examples import options

# No other test uses this region, because moto keeps its state by process and region, not by server.
REGION = "eu-north-1"
STACK = "shop-dev"

type Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with MotoServer(region=REGION, requires_key=False) as server:
        yield server.client


@pytest.fixture(scope="module")
def outputs(client: Client) -> dict[str, str]:
    """Deploy the template with the mappings disabled, and return the stack's outputs."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("lambdas/worker.py", "def handler(event, context): ...\n")
    client("s3").create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_object(Bucket="code", Key="1.zip", Body=code.getvalue())
    parameters = {"CodeBucket": "code", "CodeKey": "1.zip", "MappingsEnabled": "false"}
    client("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=build_template(
            [options(), options("direct", transport="lambda")], settings_module="shop.settings"
        ),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@pytest.mark.usefixtures("outputs")
def test_every_resource_without_the_condition_of_aws_is_created(client: Client) -> None:
    whole = json.loads(
        build_template(
            [options(), options("direct", transport="lambda")], settings_module="shop.settings", as_json=True
        )
    )
    expected = Evaluated(whole, MappingsEnabled="false").resources

    summaries = client("cloudformation").list_stack_resources(StackName=STACK)["StackResourceSummaries"]

    created = {
        summary["LogicalResourceId"]: summary["ResourceType"]
        for summary in summaries
        if summary.get("LogicalResourceId")
    }
    assert created == {name: one["Type"] for name, one in expected.items()}


def attributes(client: Client, queue: str) -> dict[str, str]:
    url = client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    response = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    queue_attributes: dict[str, str] = response["Attributes"]
    return queue_attributes


def test_outputs_name_the_resources(outputs: dict[str, str]) -> None:
    assert outputs["TableName"] == "shop-dev-tasks"
    assert outputs["BucketName"] == f"shop-dev-payloads-123456789012-{REGION}"
    assert outputs["QueueUrlReports"].endswith("/123456789012/shop-dev-reports")
    assert outputs["WorkerReports"] == "shop-dev-reports-worker"


@pytest.mark.usefixtures("outputs")
def test_queues(client: Client) -> None:
    queue, dead = attributes(client, "shop-dev-reports"), attributes(client, "shop-dev-reports-dead")

    assert queue["VisibilityTimeout"] == "722"
    assert queue["MessageRetentionPeriod"] == "604800"
    assert queue["MaximumMessageSize"] == "1048576"
    assert dead["MessageRetentionPeriod"] == "1209600"
    redrive = json.loads(queue["RedrivePolicy"])
    assert (redrive["deadLetterTargetArn"], int(redrive["maxReceiveCount"])) == (dead["QueueArn"], 13)


@pytest.mark.usefixtures("outputs")
def test_mappings_are_disabled_by_the_parameter(client: Client) -> None:
    mappings = client("lambda").list_event_source_mappings()["EventSourceMappings"]

    fed = {one["EventSourceArn"].split(":")[-1]: one for one in mappings}
    assert {name: one["FunctionArn"].split(":")[-1] for name, one in fed.items()} == {
        "shop-dev-default": "shop-dev-default-worker",
        "shop-dev-default-dead": "shop-dev-dead-letter",
        "shop-dev-reports": "shop-dev-reports-worker",
        "shop-dev-reports-dead": "shop-dev-dead-letter",
    }
    assert {one["State"] for one in mappings} == {"Disabled"}
    reports = fed["shop-dev-reports"]
    assert (reports["BatchSize"], reports["MaximumBatchingWindowInSeconds"]) == (5, 2)
    assert reports["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert reports["ScalingConfig"] == {"MaximumConcurrency": 4}


def test_functions_know_their_resources(client: Client, outputs: dict[str, str]) -> None:
    worker = client("lambda").get_function_configuration(FunctionName="shop-dev-reports-worker")

    assert (worker["Handler"], worker["Runtime"]) == ("lambdas.worker.handler", "python3.13")
    assert (worker["Timeout"], worker["MemorySize"]) == (120, 1024)
    variables = worker["Environment"]["Variables"]
    assert json.loads(variables.pop("OFFLOAD_QUEUE_URLS")) == {
        "default": outputs["QueueUrlDefault"],
        "reports": outputs["QueueUrlReports"],
    }
    assert variables == {
        "PYTHONPATH": "/var/task/django_app",
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "OFFLOAD_STACK": "shop-dev",
        "OFFLOAD_BUCKET": outputs["BucketName"],
        "OFFLOAD_RELEASE": "none",
        "OFFLOAD_WRITES": "update",
        "OFFLOAD_SHARDS": "2/64",
    }


def test_table_and_index(client: Client, outputs: dict[str, str]) -> None:
    table = client("dynamodb").describe_table(TableName=outputs["TableName"])["Table"]

    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [
        ("id", "HASH"),
        ("part", "RANGE"),
    ]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "due"
    assert index["Projection"]["NonKeyAttributes"] == ["name", "queue", "owner", "enqueued_at"]


def test_the_bucket_is_encrypted(client: Client, outputs: dict[str, str]) -> None:
    encryption = client("s3").get_bucket_encryption(Bucket=outputs["BucketName"])

    (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


@pytest.mark.usefixtures("outputs")
def test_each_function_has_a_role_of_its_own(client: Client) -> None:
    roles = set()
    for function in client("lambda").list_functions()["Functions"]:
        role = function["Role"].split("/")[-1]
        policy = client("iam").get_role_policy(RoleName=role, PolicyName="runs")["PolicyDocument"]
        roles.add(role)
        # AWS returns the document as JSON, and moto as a Python literal.
        statements = ast.literal_eval(policy)["Statement"]
        # References became ARNs: each role may write to the log of its own function.
        (log,) = statements[0]["Resource"]
        assert f":log-group:/aws/lambda/{function['FunctionName']}" in log
    assert len(roles) == 5


@pytest.mark.usefixtures("outputs")
def test_the_schedule_is_disabled_by_the_parameter(client: Client) -> None:
    rule = client("events").describe_rule(Name="shop-dev-sweeper")
    (target,) = client("events").list_targets_by_rule(Rule="shop-dev-sweeper")["Targets"]

    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "DISABLED")
    assert target["Arn"].endswith(":function:shop-dev-sweeper")


@pytest.mark.usefixtures("outputs")
def test_the_sweeper_accepts_the_event_of_its_deployed_rule(client: Client) -> None:
    rule = client("events").describe_rule(Name=f"{STACK}-sweeper")
    function = client("lambda").get_function_configuration(FunctionName=f"{STACK}-sweeper")
    now = datetime.now(UTC)
    event = json.loads(make_event(Rule(arn=rule["Arn"], period=timedelta(minutes=1), function_arn=""), now))

    invoked = Invocation(f"{STACK}-sweeper", invoked_function_arn=function["FunctionArn"])
    assert read_event(event, invoked, now) is None
    with pytest.raises(UnknownEvent):
        read_event(event, Invocation(f"{STACK}-sweeper"), now)  # In another region.
