"""Records in DynamoDB: one table, partition key `id`, sort key `part`, a sparse index `due`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..birth import EPOCH, Birth, from_micros, to_micros
from ..change import Attributes, Change, Refused, Value
from ..exceptions import ResourceMissing
from ..record import newborn
from ..wire import client
from .base import Due, Store
from .expressions import Expressions, attribute, plain

RECORD = "record"
INDEX = "due"


class DynamoDBStore(Store):
    """Every write is one conditional UpdateItem or PutItem; no transactions."""

    def __init__(self, alias: str, table: str) -> None:
        self.alias, self.table = alias, table

    def change(self, task_id: str, change: Change) -> dict[str, Value] | None:
        try:
            answer = self._call(
                "update_item",
                Key=_key(task_id, RECORD),
                ReturnValues="ALL_OLD",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **Expressions(change).arguments(),
            )
        except client("dynamodb").exceptions.ConditionalCheckFailedException as exc:
            raise Refused(change, _attributes(exc.response.get("Item"))) from None
        return _attributes(answer.get("Attributes"))

    def create(self, birth: Birth) -> bool:
        # The same condition as transitions.create(), in the cheaper call: nothing is to be merged.
        try:
            item = {name: attribute(value) for name, value in newborn(birth).items()}
            self._put({**item, **_key(birth.id, RECORD)})
        except client("dynamodb").exceptions.ConditionalCheckFailedException:
            return False
        return True

    def get(self, task_id: str) -> Attributes | None:
        return _attributes(self._call("get_item", Key=_key(task_id, RECORD), ConsistentRead=True).get("Item"))

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        try:
            self._put({**_key(task_id, part), "text": attribute(text), "ttl": attribute(ttl)})
        except client("dynamodb").exceptions.ConditionalCheckFailedException as exc:
            return str(exc.response["Item"]["text"]["S"])
        return text

    def get_part(self, task_id: str, part: str) -> str | None:
        item = self._call("get_item", Key=_key(task_id, part), ConsistentRead=True).get("Item")
        return item["text"]["S"] if item else None

    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        query = {
            "KeyConditionExpression": "#id = :id",
            "ExpressionAttributeNames": {"#id": "id"},
            "ExpressionAttributeValues": {":id": attribute(task_id)},
            "ConsistentRead": True,
        }
        record, texts = None, {}
        while True:
            answer = self._call("query", **query)
            for item in answer["Items"]:
                part = item["part"]["S"]
                if part == RECORD:
                    record = _attributes(item)
                else:
                    texts[part] = item["text"]["S"]
            if "LastEvaluatedKey" not in answer:
                return record, texts
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[Due]:
        answer = self._call(
            "query",
            IndexName=INDEX,
            KeyConditionExpression="#shard = :shard AND #due BETWEEN :since AND :until",
            ExpressionAttributeNames={"#shard": "due_shard", "#due": "due_at"},
            ExpressionAttributeValues={
                ":shard": attribute(shard),
                ":since": attribute(to_micros(since)),
                ":until": attribute(to_micros(until)),
            },
            Limit=limit,
        )
        return [
            Due(id=item["id"]["S"], due_at=from_micros(int(item["due_at"]["N"]))) for item in answer["Items"]
        ]

    def _put(self, item: dict[str, Any]) -> None:
        """Write an item, on the condition that there is none of its key."""
        self._call(
            "put_item",
            Item=item,
            ConditionExpression="attribute_not_exists(#id)",
            ExpressionAttributeNames={"#id": "id"},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        dynamodb = client("dynamodb")
        try:
            return getattr(dynamodb, operation)(TableName=self.table, **arguments)  # type: ignore[no-any-return]
        except dynamodb.exceptions.ResourceNotFoundException as exc:
            raise ResourceMissing(self.alias, "table", self.table) from exc


def _key(task_id: str, part: str) -> dict[str, Any]:
    return {"id": attribute(task_id), "part": attribute(part)}


def _attributes(item: dict[str, Any] | None) -> dict[str, Value] | None:
    return {name: plain(value) for name, value in item.items() if name != "part"} if item else None
