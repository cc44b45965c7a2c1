"""CloudFormation's import of existing resources, as AWS does it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from django_offload.local.aws.moto_server import MotoServer

REGION = "ap-south-1"
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "existing-bucket"}}
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "existing-table",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    },
}


@pytest.fixture
def server() -> Iterator[MotoServer]:
    """AWS with a table and a bucket that belong to no stack and have content."""
    with MotoServer(region=REGION) as server:
        dynamodb, s3 = server.client("dynamodb"), server.client("s3")
        dynamodb.create_table(**TABLE["Properties"])  # type: ignore[arg-type]
        dynamodb.put_item(TableName="existing-table", Item={"id": {"S": "1"}})
        s3.create_bucket(Bucket="existing-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="existing-bucket", Key="1", Body=b"1")
        yield server
        # Not server.reset(), which would delete what other tests of this process have deployed.
        with suppress(ClientError):
            server.client("cloudformation").delete_stack(StackName="shop")
        with suppress(ClientError):
            dynamodb.delete_table(TableName="existing-table")
        with suppress(ClientError):
            s3.delete_object(Bucket="existing-bucket", Key="1")
            s3.delete_bucket(Bucket="existing-bucket")


def create(server: MotoServer, *resources: dict[str, Any], imports: bool, by_arn: bool = True) -> None:
    """Create a stack through a change set."""
    cloudformation = server.client("cloudformation")
    by_logical_id = {f"Resource{number}": resource for number, resource in enumerate(resources)}
    change_set = cloudformation.create_change_set(
        StackName="shop",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": by_logical_id}),
        ImportExistingResources=imports,
    )
    name = change_set["Id"] if by_arn else "first"
    cloudformation.execute_change_set(StackName="shop", ChangeSetName=name)


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
@pytest.mark.parametrize("by_arn", [True, False])
def test_existing_resources_are_imported_with_their_content(
    server: MotoServer, policy: str, by_arn: bool
) -> None:
    retained = [{**resource, "DeletionPolicy": policy} for resource in (TABLE, BUCKET)]

    create(server, *retained, imports=True, by_arn=by_arn)

    resources = server.client("cloudformation").list_stack_resources(StackName="shop")
    names = {resource["PhysicalResourceId"] for resource in resources["StackResourceSummaries"]}
    assert names == {"existing-table", "existing-bucket"}
    assert server.client("dynamodb").scan(TableName="existing-table")["Count"] == 1
    assert server.client("s3").get_object(Bucket="existing-bucket", Key="1")["Body"].read() == b"1"


@pytest.mark.parametrize("resource", [TABLE, BUCKET])
@pytest.mark.parametrize(
    ("policy", "imports"),
    [({"DeletionPolicy": "Retain"}, False), ({"DeletionPolicy": "Delete"}, True), ({}, True)],
)
def test_an_existing_resource_is_an_error_without_import_or_retention(
    server: MotoServer, resource: dict[str, Any], policy: dict[str, str], imports: bool
) -> None:
    # moto reports a table's error in JSON, but CloudFormation's client expects XML.
    with pytest.raises((ClientError, ResponseParserError), match=r"(?i)already ?exists"):
        create(server, {**resource, **policy}, imports=imports)
