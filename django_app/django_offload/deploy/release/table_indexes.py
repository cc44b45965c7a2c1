"""The indexes of the deployed table: what they contain, and which change of them can be made now."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...protocol.record import PROJECTED
from ...stack.names import HISTORY, HISTORY_INDEXES, INDEX, SHARDED_HISTORY, TABLE
from ...stores.base import MOST_READ
from ..errors import ChangeTooEarly
from .aws import AWS

WRITERS = "Restart every process that still has older settings. "
OURS = {INDEX, HISTORY, SHARDED_HISTORY}
# The value of OPTIONS["history"] between two that differ by two indexes.
STEP_BETWEEN: Mapping[frozenset[bool | str], bool | str] = {
    frozenset({True, "sharded"}): "both",
    frozenset({False, "both"}): "sharded",
}


def describe_table(aws: AWS, table: str) -> Mapping[str, Any] | None:
    """Return DynamoDB's description of a table, or None if it doesn't exist."""
    dynamodb = aws.client("dynamodb")
    try:
        description: Mapping[str, Any] = dynamodb.describe_table(TableName=table)["Table"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    return description


def indexes_in(template: Mapping[str, Any]) -> list[str]:
    """Return the names of the table's indexes in a template."""
    return [
        str(index["IndexName"])
        for index in template["Resources"][TABLE]["Properties"]["GlobalSecondaryIndexes"]
    ]


def has_wide_indexes(table: Mapping[str, Any] | None) -> bool:
    """Return True if the index `due` contains what lists will need, as that of a new table will."""
    if table is None:
        return True
    indexes = {index["IndexName"]: index for index in table.get("GlobalSecondaryIndexes", ())}
    contents = indexes.get(INDEX, {}).get("Projection", {}).get("NonKeyAttributes", ())
    return set(PROJECTED) <= set(contents)


def check_change(
    stack: str, table: Mapping[str, Any] | None, wanted: Collection[str], *, imports: bool
) -> None:
    """
    Raise ChangeTooEarly if the table can't get the indexes `wanted` in one update, or not yet.

    With `imports` the table is from an earlier stack, and CloudFormation takes it as it is.
    """
    if table is None:
        return
    statuses = {
        index["IndexName"]: "being filled" if index.get("Backfilling") else index["IndexStatus"]
        for index in table.get("GlobalSecondaryIndexes", ())
        if index["IndexName"] in OURS
    }
    changed = statuses.keys() ^ set(wanted)
    if not changed:
        return
    before, after = history_of(statuses), history_of(wanted)
    problem = f"needs other indexes than the table {table['TableName']} has"
    if imports:
        raise ChangeTooEarly(
            stack,
            f"{problem}, which an earlier stack left. CloudFormation takes that table as it is.",
            f"Deploy with OPTIONS['history'] = {before!r} first. Then change it and deploy again.",
        )
    if len(changed) > 1:
        step = STEP_BETWEEN.get(frozenset((before, after)), before)
        raise ChangeTooEarly(
            stack,
            f"{problem}: two differ for OPTIONS['history'] = {after!r}, and CloudFormation creates or "
            "deletes one in an update.",
            f"Deploy with OPTIONS['history'] = {step!r} first.",
        )
    for name, status in statuses.items():
        if status != "ACTIVE":
            raise ChangeTooEarly(
                stack,
                f"{problem}, and its index {name} is {status}.",
                f"Wait until aws dynamodb describe-table --table-name {table['TableName']} shows it as "
                "ACTIVE, and not as Backfilling. Then deploy again.",
            )


def history_of(indexes: Iterable[str]) -> bool | str:
    """Return the value of OPTIONS["history"] that gives a table these indexes."""
    lists = set(indexes) - {INDEX}
    return next(history for history, names in HISTORY_INDEXES.items() if lists == set(names))


def check_complete(
    aws: AWS, stack: str, table: Mapping[str, Any] | None, wanted: Collection[str], aliases: Sequence[str]
) -> None:
    """
    Raise ChangeTooEarly if the index `history` would be deleted while only it lists some record.

    DynamoDB's own counts of both indexes are up to six hours old. So the oldest records of each alias are
    read, which are the last to get into the new index, and the newest, which a process with older settings
    may still write.
    """
    names = {index["IndexName"] for index in (table or {}).get("GlobalSecondaryIndexes", ())}
    if table is None or not {HISTORY, SHARDED_HISTORY} <= names or HISTORY in wanted:
        return
    if SHARDED_HISTORY not in wanted:
        return
    for alias in aliases:
        for newest in (False, True):
            records = listed_records(aws.client("dynamodb"), table["TableName"], alias, newest=newest)
            if any("listed" not in record for record in records):
                raise ChangeTooEarly(
                    stack,
                    f"has records of '{alias}' that only the index {HISTORY} lists, among the "
                    f"{'newest' if newest else 'oldest'}.",
                    f"{WRITERS if newest else ''}Keep OPTIONS['history'] = 'both' until these records are "
                    "deleted, which DynamoDB does within days of their result_ttl. Then deploy again.",
                )


def listed_records(dynamodb: Any, table: str, alias: str, *, newest: bool) -> Iterator[Mapping[str, Any]]:
    """Yield the first or last records that the index `history` lists of an alias, with id and "listed"."""
    entries = dynamodb.query(
        TableName=table,
        IndexName=HISTORY,
        KeyConditionExpression="alias = :alias",
        ExpressionAttributeValues={":alias": {"S": alias}},
        ScanIndexForward=not newest,
        Limit=MOST_READ,
    )["Items"]
    keys = [{"id": entry["id"], "part": entry["part"]} for entry in entries]
    requested = {table: {"Keys": keys, "ProjectionExpression": "id, listed"}} if keys else {}
    while requested:
        answer = dynamodb.batch_get_item(RequestItems=requested)
        yield from answer["Responses"].get(table, ())
        requested = answer.get("UnprocessedKeys") or {}
