"""CloudFormation's import of what is there already, as AWS does it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from django_offload.local.aws.moto_server import MotoServer

REGION = "ap-south-1"
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "kept-bucket"}}
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "kept-table",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    },
}


@pytest.fixture
def server() -> Iterator[MotoServer]:
    """Return AWS with a table and a bucket that belong to no stack, and something in each."""
    with MotoServer(region=REGION) as server:
        dynamodb, s3 = server.client("dynamodb"), server.client("s3")
        dynamodb.create_table(**TABLE["Properties"])  # type: ignore[arg-type]
        dynamodb.put_item(TableName="kept-table", Item={"id": {"S": "1"}})
        s3.create_bucket(Bucket="kept-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="kept-bucket", Key="1", Body=b"1")
        yield server
        server.reset()


def create(server: MotoServer, *resources: dict[str, Any], imports: bool, by_arn: bool = True) -> None:
    """Create a stack through a change set."""
    cloudformation = server.client("cloudformation")
    named = {f"Kept{number}": resource for number, resource in enumerate(resources)}
    made = cloudformation.create_change_set(
        StackName="shop",
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": named}),
        ImportExistingResources=imports,
    )
    name = made["Id"] if by_arn else "first"
    cloudformation.execute_change_set(StackName="shop", ChangeSetName=name)


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
@pytest.mark.parametrize("by_arn", [True, False])
def test_what_is_there_is_taken_as_it_is(server: MotoServer, policy: str, by_arn: bool) -> None:
    kept = [{**resource, "DeletionPolicy": policy} for resource in (TABLE, BUCKET)]

    create(server, *kept, imports=True, by_arn=by_arn)

    found = server.client("cloudformation").list_stack_resources(StackName="shop")
    names = {one["PhysicalResourceId"] for one in found["StackResourceSummaries"]}
    assert names == {"kept-table", "kept-bucket"}
    assert server.client("dynamodb").scan(TableName="kept-table")["Count"] == 1
    assert server.client("s3").get_object(Bucket="kept-bucket", Key="1")["Body"].read() == b"1"


@pytest.mark.parametrize("resource", [TABLE, BUCKET])
@pytest.mark.parametrize(
    ("policy", "imports"),
    [({"DeletionPolicy": "Retain"}, False), ({"DeletionPolicy": "Delete"}, True), ({}, True)],
)
def test_it_is_in_the_way_where_nobody_asks_for_it_or_a_deletion_would_not_keep_it(
    server: MotoServer, resource: dict[str, Any], policy: dict[str, str], imports: bool
) -> None:
    # What a table refuses, moto answers as JSON, where a client of CloudFormation expects XML.
    with pytest.raises((ClientError, ResponseParserError), match=r"(?i)already ?exists"):
        create(server, {**resource, **policy}, imports=imports)
