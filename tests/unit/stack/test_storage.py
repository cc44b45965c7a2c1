"""The table and the bucket of the template."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from django_offload.conf import QueueOptions
from django_offload.protocol.record import NEVER_CHANGED, PROJECTED, RECORD_LIFE, RECORD_TYPES, initial_item
from django_offload.stack import DeploymentTarget, StageEnvironment
from django_offload.stores.listing import DUE, HISTORY, SHARDED_HISTORY
from tests.contract.records import enqueued_task, new_id
from tests.unit.stack.examples import document, evaluated, of_type, options, properties


def lifecycle(*several: Any, **arguments: Any) -> dict[str, dict[str, Any]]:
    rules = properties("PayloadBucket", *several, **arguments)["LifecycleConfiguration"]["Rules"]
    return {rule["Id"]: rule for rule in rules}


def test_the_table_is_keyed_by_id_and_part() -> None:
    table = properties("Table")

    assert table["TableName"] == "shop-dev-tasks"
    assert table["KeySchema"] == [
        {"AttributeName": "id", "KeyType": "HASH"},
        {"AttributeName": "part", "KeyType": "RANGE"},
    ]
    assert {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]} == {
        "id": "S",
        "part": "S",
        "due_shard": "N",
        "due_at": "N",
    }


def test_the_index_has_only_attributes_that_never_change() -> None:
    (index,) = properties("Table")["GlobalSecondaryIndexes"]

    assert index == {
        "IndexName": "due",
        "KeySchema": [
            {"AttributeName": "due_shard", "KeyType": "HASH"},
            {"AttributeName": "due_at", "KeyType": "RANGE"},
        ],
        "Projection": {
            "ProjectionType": "INCLUDE",
            "NonKeyAttributes": ["name", "queue", "owner", "enqueued_at"],
        },
    }


def indexes_of(history: bool | str, **parameters: str) -> dict[str, dict[str, Any]]:
    """Return the indexes of a stack's table by their names."""
    table = properties("Table", options(history=history), parameters=parameters)
    return {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}


def test_the_indexes_of_a_new_table_contain_what_lists_will_need() -> None:
    """The tables of earlier templates keep theirs, because no update can change what an index contains."""
    later = ["flow", "tenant", "tags", "error_class", "code_version"]
    contents = {
        wide: {
            name: index["Projection"]["NonKeyAttributes"]
            for name, index in indexes_of("both", WideIndexes=wide).items()
        }
        for wide in ("true", "false")
    }

    narrow = ["name", "queue", "owner"]
    assert contents["false"] == {
        "due": [*narrow, "enqueued_at"],
        "history": narrow,
        "history-sharded": [*narrow, *later],
    }
    assert contents["true"] == {
        "due": [*narrow, "enqueued_at", *later],
        "history": [*narrow, *later],
        "history-sharded": [*narrow, *later],
    }
    assert evaluated().parameters["WideIndexes"] == "false"


def test_nothing_writes_the_attributes_of_lists_to_come_yet() -> None:
    """They are free: a record that has one already would put it into the index with another meaning."""
    known = {"owner": "user:1", "tenant": "customer-7", "root": new_id(), "traceparent": "00"}
    task = replace(enqueued_task(new_id()), **known, options={"a": 1})

    written = {*RECORD_TYPES, *initial_item(task, 32, listed=True)}

    assert written & (set(PROJECTED) - set(NEVER_CHANGED)) == {"tenant"}


def test_each_step_of_the_history_changes_one_index_and_no_other() -> None:
    """CloudFormation creates or deletes one index in an update, and can't change one."""
    steps = [False, True, "both", "sharded", False]

    for before, after in pairwise(map(indexes_of, steps)):
        assert len(before.keys() ^ after.keys()) == 1
        assert all(before[name] == after[name] for name in before.keys() & after.keys())


@pytest.mark.parametrize("history", [False, True, "both", "sharded"])
def test_the_table_defines_the_keys_of_its_indexes_and_nothing_else(history: bool | str) -> None:
    """DynamoDB refuses an attribute that no key uses."""
    table = properties("Table", options(history=history))
    schemas = [table["KeySchema"], *(index["KeySchema"] for index in table["GlobalSecondaryIndexes"])]

    defined = [one["AttributeName"] for one in table["AttributeDefinitions"]]

    assert sorted(defined) == sorted({key["AttributeName"] for schema in schemas for key in schema})


@pytest.mark.parametrize(
    ("history", "names"),
    [
        (False, ["due"]),
        (True, ["due", "history"]),
        ("both", ["due", "history", "history-sharded"]),
        ("sharded", ["due", "history-sharded"]),
    ],
)
def test_lists_and_template_name_the_same_indexes_and_keys(history: bool | str, names: list[str]) -> None:
    found = indexes_of(history)

    assert list(found) == names
    for index in (DUE, HISTORY, SHARDED_HISTORY):
        if index.name in names:
            keys = [key["AttributeName"] for key in found[index.name]["KeySchema"]]
            assert keys == [index.partition, index.instant]


def test_the_table_is_billed_on_demand_expires_is_restorable_and_encrypted() -> None:
    table = properties("Table")

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS"}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, None),
        ({"WarmReadUnits": "30000"}, {"ReadUnitsPerSecond": "30000"}),
        ({"WarmWriteUnits": "40000"}, {"WriteUnitsPerSecond": "40000"}),
        (
            {"WarmReadUnits": "30000", "WarmWriteUnits": "40000"},
            {"ReadUnitsPerSecond": "30000", "WriteUnitsPerSecond": "40000"},
        ),
    ],
)
def test_a_stage_may_prepare_the_table_and_each_index_for_a_peak(
    parameters: dict[str, str], expected: dict[str, str] | None
) -> None:
    table = properties("Table", options(history=True), parameters=parameters)
    indexes = table["GlobalSecondaryIndexes"]

    assert len(indexes) >= 2
    assert [one.get("WarmThroughput") for one in (table, *indexes)] == [expected] * (1 + len(indexes))


def test_units_are_whole_numbers_or_nothing() -> None:
    for name in ("WarmReadUnits", "WarmWriteUnits"):
        parameter = document()["Parameters"][name]
        assert parameter["Default"] == ""
        assert all(re.fullmatch(parameter["AllowedPattern"], text) for text in ("", "1", "40000"))
        refused = ("0", "-1", "4,000", "1e4", "40000.0", " ", "many")
        assert not any(re.fullmatch(parameter["AllowedPattern"], text) for text in refused)


def test_table_and_bucket_outlive_the_stack() -> None:
    kept = {
        name
        for name, one in document()["Resources"].items()
        if one.get("DeletionPolicy") == one.get("UpdateReplacePolicy") == "Retain"
    }

    assert kept == {"Table", "PayloadBucket"}


def test_the_bucket_is_closed_to_the_public_and_encrypted() -> None:
    bucket = properties("PayloadBucket")

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_the_bucket_is_named_after_stack_account_and_region() -> None:
    assert properties("PayloadBucket")["BucketName"] == {
        "Fn::Sub": "shop-dev-payloads-${AWS::AccountId}-${AWS::Region}"
    }


def test_the_bucket_may_have_a_name_of_its_own() -> None:
    assert properties("PayloadBucket", options(bucket="our-payloads"))["BucketName"] == "our-payloads"


def test_what_outlives_the_stack_has_a_name_by_which_a_later_stack_imports_it() -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html"""
    target = DeploymentTarget(account="123456789012", region="eu-west-1", web_function="shop-web-dev")
    kept = {
        name: one
        for name, one in document(stage_environment=StageEnvironment(target=target))["Resources"].items()
        if one.get("DeletionPolicy") in {"Retain", "RetainExceptOnCreate"}
    }

    keys = {"Table": "TableName", "PayloadBucket": "BucketName", "LogGroupWeb": "LogGroupName"}
    assert {name: kept[name]["Properties"][keys[name]] for name in kept} == {
        "Table": "shop-dev-tasks",
        "PayloadBucket": "shop-dev-payloads-123456789012-eu-west-1",
        "LogGroupWeb": "/aws/lambda/shop-web-dev",
    }


def test_without_a_bucket_the_template_does_not_mention_one() -> None:
    template = document(options(bucket=None))

    assert "PayloadBucket" not in str(template)
    assert "OFFLOAD_BUCKET" not in str(template)
    assert "s3:" not in str(template)
    assert of_type("S3::Bucket", options(bucket=None)) == {}


def test_payloads_are_kept_as_long_as_a_record_may_still_be_claimed() -> None:
    rules = lifecycle()

    assert timedelta(days=rules["payloads"]["ExpirationInDays"]) > RECORD_LIFE
    assert rules["payloads"]["Prefix"] == "payloads/"
    assert (rules["dead"]["Prefix"], rules["dead"]["ExpirationInDays"]) == ("dead/", 14)
    assert rules["uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        (options(result_ttl=timedelta(days=90)), {}),
        (options(queues={"default": QueueOptions(result_ttl=timedelta(days=90))}), {}),
        (options(), {"result_ttl": timedelta(days=90)}),
    ],
    ids=["of the alias", "of a queue", "of a task"],
)
def test_payloads_are_kept_as_long_as_the_longest_result_can_be_read(given: Any, arguments: Any) -> None:
    assert lifecycle(given, **arguments)["payloads"]["ExpirationInDays"] > 90
