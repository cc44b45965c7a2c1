"""Compare the deployed table and bucket with TASKS."""

from collections.abc import Iterator
from typing import Any

from ...aws import client, failures
from ...payloads import bucket_name
from ...stack import StackSpec
from ...stores.listing import DUE, HISTORY, SHARDED_HISTORY
from .finding import Finding, finding, is_local_aws

TABLE_KEYS = ["id", "part"]
INDEXES = {index.name: index for index in (DUE, HISTORY, SHARDED_HISTORY)}


def check_table(plan: StackSpec) -> Iterator[Finding]:
    """Check the table of the records, its indexes, and its time to live."""
    name, stack, dynamodb = plan.options.table, plan.stack, client("dynamodb")
    try:
        description = dynamodb.describe_table(TableName=name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        yield finding("table-missing", stack, f"The table {name} does not exist.")
        return
    if key_names(description) != TABLE_KEYS:
        text = f"The table {name} has the keys {key_names(description)} instead of {TABLE_KEYS}. "
        yield finding("other-table", stack, f"{text}It doesn't belong to django-offload.")
        return
    indexes = {index["IndexName"]: index for index in description.get("GlobalSecondaryIndexes", [])}
    for index in plan.indexes:
        keys = [INDEXES[index].partition, INDEXES[index].instant]
        if index not in indexes or key_names(indexes[index]) != keys:
            reader = (
                "no task can be swept or listed" if index == DUE.name else "the board can't list all tasks"
            )
            text = f"The table {name} has no index '{index}' of {keys}, so {reader}."
            yield finding("index-missing", stack, text)
    # Local AWS ignores the time to live in the template.
    if not is_local_aws():
        time_to_live = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if time_to_live["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
            remedy = (
                f"Enable it: aws dynamodb update-time-to-live --table-name {name} "
                "--time-to-live-specification Enabled=true,AttributeName=ttl"
            )
            text = f"The table {name} never deletes records, because its time to live is disabled."
            yield finding("no-ttl", stack, text, remedy=remedy)


def check_bucket(plan: StackSpec) -> Iterator[Finding]:
    """Check the bucket for payloads that are too large for a message or a record."""
    name = bucket_name(plan.options)
    if name is None:
        return
    try:
        client("s3").head_bucket(Bucket=name)
    except failures() as exc:
        code = getattr(exc, "response", {}).get("Error", {}).get("Code")
        if code not in {"403", "404"}:
            raise
        if code == "404":
            yield finding("bucket-missing", plan.stack, f"The bucket {name} does not exist.")
        else:
            remedy = (
                "See which account is in use: aws sts get-caller-identity. Correct it, or OPTIONS['bucket']."
            )
            text = f"Access to the bucket {name} is denied."
            yield finding("bucket-forbidden", plan.stack, text, remedy=remedy)


def key_names(description: dict[str, Any]) -> list[str]:
    return [key["AttributeName"] for key in description["KeySchema"]]
