"""Lists of records in DynamoDB: Query on an index, BatchGetItem on the table."""

from collections.abc import Sequence
from typing import Any

from ..aws import client
from ..exceptions import ResourceMissing
from ..protocol.conditional_write import Attributes, Value
from ..protocol.json_codec import to_micros
from .dynamodb import attribute, plain
from .listing import MOST_READ, Listing, Place, Slice, Wanted


class DynamoDBListing(Listing):
    """A call each, but for what a busy table leaves out; what a query matches by is in the index itself."""

    def __init__(self, alias: str, table: str) -> None:
        self.alias, self.table = alias, table

    def take(self, wanted: Wanted, partition: Value, after: Place | None, limit: int) -> Slice:
        query = _query(wanted, partition)
        if "FilterExpression" not in query:
            query["Limit"] = limit  # Of entries looked at: with a filter, as many as one call can.
        if after is not None:
            query["ExclusiveStartKey"] = _key(wanted, partition, after)
        answer = self._call("query", TableName=self.table, **query)
        found = [_place(wanted, item) for item in answer["Items"]]
        if len(found) > limit:
            return Slice(entries=found[:limit], more=found[limit - 1])
        last = answer.get("LastEvaluatedKey")
        return Slice(entries=found, more=_place(wanted, last) if last else None)

    def read(self, ids: Sequence[str]) -> Sequence[Attributes]:
        if not ids:
            return []
        if len(ids) > MOST_READ:
            raise ValueError(f"{len(ids)} records were asked for: ask for at most {MOST_READ} at a time.")
        keys = [{"id": {"S": task_id}, "part": {"S": "record"}} for task_id in ids]
        items, left = self._get({self.table: {"Keys": keys}})
        # What a busy table leaves out is asked for once more: a page that lacks tasks would mislead.
        items += self._get(left)[0] if left else []
        found = {item["id"]["S"]: item for item in items}
        return [
            {name: plain(value) for name, value in found[task_id].items() if name != "part"}
            for task_id in ids
            if task_id in found
        ]

    def _get(self, wanted: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return what was read, and what is left to ask for."""
        answer = self._call("batch_get_item", RequestItems=wanted)
        return answer["Responses"].get(self.table, []), answer.get("UnprocessedKeys") or {}

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        dynamodb = client("dynamodb")
        try:
            found: dict[str, Any] = getattr(dynamodb, operation)(**arguments)
        except dynamodb.exceptions.ResourceNotFoundException as exc:
            raise ResourceMissing(self.alias, "table", self.table) from exc
        return found


def _query(wanted: Wanted, partition: Value) -> dict[str, Any]:
    index = wanted.index
    names = {"#partition": index.partition, "#instant": index.instant}
    values: dict[str, Value] = {
        ":partition": partition,
        ":since": to_micros(wanted.since),
        ":until": to_micros(wanted.until),
    }
    filters = []
    for name, value in wanted.matching.items():
        names[f"#{name}"], values[f":{name}"] = name, value
        filters.append(f"#{name} = :{name}")
    if wanted.enqueued is not None:
        names["#enqueued_at"] = "enqueued_at"
        values[":first"], values[":last"] = (to_micros(instant) for instant in wanted.enqueued)
        filters.append("#enqueued_at BETWEEN :first AND :last")
    return {
        "IndexName": index.name,
        "KeyConditionExpression": "#partition = :partition AND #instant BETWEEN :since AND :until",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: attribute(value) for name, value in values.items()},
        "ScanIndexForward": not wanted.newest_first,
        **({"FilterExpression": " AND ".join(filters)} if filters else {}),
    }


def _key(wanted: Wanted, partition: Value, place: Place) -> dict[str, Any]:
    """Return the key by which DynamoDB finds a place again, of the table and of the index."""
    return {
        "id": attribute(place.id),
        "part": attribute("record"),
        wanted.index.partition: attribute(partition),
        wanted.index.instant: attribute(place.micros),
    }


def _place(wanted: Wanted, item: dict[str, Any]) -> Place:
    return Place(micros=int(item[wanted.index.instant]["N"]), id=item["id"]["S"])
