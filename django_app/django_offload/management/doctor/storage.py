"""The table and the bucket as they are deployed."""

from collections.abc import Iterator
from typing import Any

from ...aws import client
from ...payloads import bucket_name
from ...stack import StackSpec
from ...stack.names import INDEX
from .finding import Finding, deploy, local

TABLE_KEYS, INDEX_KEYS = ["id", "part"], ["due_shard", "due_at"]


def table(plan: StackSpec) -> Iterator[Finding]:
    """Look at the table of the records and its index."""
    name, dynamodb = plan.options.table, client("dynamodb")

    def finding(what: str, text: str, mend: str = "") -> Finding:
        return Finding(
            id=what, stack=plan.stack, text=f"The table {name} {text}", mend=mend or deploy(plan.stack)
        )

    try:
        found = dynamodb.describe_table(TableName=name)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        yield finding("table-missing", "does not exist.")
        return
    if _keys(found) != TABLE_KEYS:
        yield finding("other-table", f"has the keys {_keys(found)}, not {TABLE_KEYS}: it is not one of ours.")
        return
    indexes = {index["IndexName"]: index for index in found.get("GlobalSecondaryIndexes", [])}
    if INDEX not in indexes or _keys(indexes[INDEX]) != INDEX_KEYS:
        yield finding(
            "index-missing", f"has no index '{INDEX}' of {INDEX_KEYS}: nothing can be swept or listed."
        )
    # The stand-in on this machine does not read what the template says of it.
    if not local():
        said = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if said["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
            mend = (
                f"aws dynamodb update-time-to-live --table-name {name} "
                "--time-to-live-specification Enabled=true,AttributeName=ttl"
            )
            yield finding("no-ttl", "never forgets: its time to live is disabled.", mend)


def bucket(plan: StackSpec) -> Iterator[Finding]:
    """Look at the bucket of what is too large for a message or a record."""
    from botocore.exceptions import ClientError

    name = bucket_name(plan.options)
    if name is None:
        return
    try:
        client("s3").head_bucket(Bucket=name)
    except ClientError as exc:
        if exc.response["Error"]["Code"] not in {"403", "404"}:
            raise
        missing = exc.response["Error"]["Code"] == "404"
        yield Finding(
            id="bucket-missing" if missing else "bucket-forbidden",
            stack=plan.stack,
            text=f"The bucket {name} {'does not exist' if missing else 'may not be used'}.",
            mend=deploy(plan.stack)
            if missing
            else "See whose account is used: aws sts get-caller-identity. Correct it, or OPTIONS['bucket'].",
        )


def _keys(described: dict[str, Any]) -> list[str]:
    return [key["AttributeName"] for key in described["KeySchema"]]
