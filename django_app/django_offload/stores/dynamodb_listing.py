"""Lists of records in DynamoDB: Query on an index, BatchGetItem on the table."""

from collections.abc import Callable, Sequence
from typing import Any

from ..protocol.conditional_write import Attributes, Value
from ..protocol.json_codec import to_micros
from ..protocol.record import NEVER_CHANGED
from .dynamodb import Table, attribute, plain, whole
from .listing import Index, IndexEntry, IndexPage, IndexQuery, Listing, check_ids


class DynamoDBListing(Table, Listing):
    """Each method makes one call; get_many() makes another one if a busy table left records out."""

    def begin_query(
        self,
        query: IndexQuery,
        partition: Value,
        after: IndexEntry | None,
        limit: int,
        most_looked_at: int | None = None,
    ) -> Callable[[], IndexPage]:
        index, arguments = query.index, query_arguments(query, partition)
        # Limit counts entries before the filter. With a filter, one call returns as much as it may read.
        most_read = most_looked_at if query.filtered else limit
        if most_read is not None:
            arguments["Limit"] = most_read
        if after is not None:
            # DynamoDB takes the key of the table together with the key of the index.
            arguments["ExclusiveStartKey"] = {
                "id": attribute(after.id),
                "part": attribute("record"),
                index.partition: attribute(partition),
                index.instant: attribute(after.micros),
            }
        wait = self._begin("query", **arguments)

        def page() -> IndexPage:
            result = wait()
            entries = [index_entry(index, item) for item in result["Items"]]
            last_key = result.get("LastEvaluatedKey")
            more = index_entry(index, last_key) if last_key else None
            if len(entries) > limit:
                entries, more = entries[:limit], entries[limit - 1]
            return IndexPage(entries=entries, more=more, looked_at=result["ScannedCount"])

        return page

    def get_many(self, ids: Sequence[str]) -> Sequence[Attributes]:
        if not ids:
            return []
        check_ids(ids)
        # DynamoDB refuses a key that comes twice.
        keys = [{"id": {"S": task_id}, "part": {"S": "record"}} for task_id in dict.fromkeys(ids)]
        items, unprocessed = self._batch_get({self.table: {"Keys": keys}})
        # A busy table leaves records out. Read them once more, because a page without them would mislead.
        items += self._batch_get(unprocessed)[0] if unprocessed else []
        item_by_id = {item["id"]["S"]: item for item in items}
        return [
            {name: plain(value) for name, value in item_by_id[task_id].items() if name != "part"}
            for task_id in ids
            if task_id in item_by_id
        ]

    def _batch_get(self, requested: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return the items that were read, and the request for those left out."""
        result = self._begin("batch_get_item", RequestItems=requested)()
        return result["Responses"].get(self.table, []), result.get("UnprocessedKeys") or {}


def query_arguments(query: IndexQuery, partition: Value) -> dict[str, Any]:
    """
    Return the arguments of Query.

    Indexes of tables that earlier releases made lack the attributes that came later (PROJECTED). An entry
    without one matches, because only its record says whether it does.
    """
    index = query.index
    names = {"#partition": index.partition, "#instant": index.instant}
    values: dict[str, Value] = {
        ":partition": partition,
        ":since": to_micros(query.since),
        ":until": to_micros(query.until),
    }
    filters = []
    for name, value in query.matching.items():
        names[f"#{name}"], values[f":{name}"] = name, value
        equal = f"#{name} = :{name}"
        filters.append(equal if name in NEVER_CHANGED else f"({equal} OR attribute_not_exists(#{name}))")
    if query.enqueued is not None:
        names["#enqueued_at"] = "enqueued_at"
        values[":first"], values[":last"] = (to_micros(instant) for instant in query.enqueued)
        filters.append("#enqueued_at BETWEEN :first AND :last")
    return {
        "IndexName": index.name,
        "KeyConditionExpression": "#partition = :partition AND #instant BETWEEN :since AND :until",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": {name: attribute(value) for name, value in values.items()},
        "ScanIndexForward": not query.newest_first,
        **({"FilterExpression": " AND ".join(filters)} if filters else {}),
    }


def index_entry(index: Index, item: dict[str, Any]) -> IndexEntry:
    return IndexEntry(micros=whole(item[index.instant]["N"]), id=item["id"]["S"])
