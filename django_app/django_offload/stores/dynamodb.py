"""Records in DynamoDB: one table, partition key `id`, sort key `part`, a sparse index `due`."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..aws import BOTO3, client, under_way
from ..conf import ENV_WRITES, WRITES_BY_UPDATE
from ..exceptions import ResourceMissing
from ..protocol.conditional_write import Attributes, ConditionalWrite, Refused, Value
from ..protocol.enqueued_task import EPOCH, EnqueuedTask, from_micros, to_micros
from ..protocol.record import initial_item
from .base import Due, Part, Store
from .expressions import IF_ABSENT, absent, attribute, plain, update

RECORD = "record"
INDEX = "due"


class DynamoDBStore(Store):
    """
    Every write is one conditional UpdateItem, a birth on the web side the cheaper PutItem; no transactions.

    Workers rarely give birth, and a role without PutItem has an action less.
    """

    def __init__(self, alias: str, table: str, client: str = BOTO3) -> None:
        self.alias, self.table, self._kind = alias, table, client

    def change(self, task_id: str, change: ConditionalWrite) -> dict[str, Value] | None:
        return self.begin_change(task_id, change)()

    def begin_change(self, task_id: str, change: ConditionalWrite) -> Callable[[], dict[str, Value] | None]:
        wait = self._begin(
            "update_item",
            Key=_key(task_id, RECORD),
            ReturnValues="ALL_OLD" if change.returns_old else "NONE",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
            **update(change),
        )

        def changed() -> dict[str, Value] | None:
            try:
                answer = wait()
            except self._client.exceptions.ConditionalCheckFailedException as exc:
                raise Refused(change, _attributes(exc.response.get("Item"))) from None
            return _attributes(answer.get("Attributes"))

        return changed

    def create(self, enqueued: EnqueuedTask) -> bool:
        return self.begin_create(enqueued)()

    def begin_create(self, enqueued: EnqueuedTask) -> Callable[[], bool]:
        # The same condition as transitions.create(), in shorter words: nothing is to be merged.
        item = {
            name: {"S": value} if isinstance(value, str) else {"N": str(value)}
            for name, value in initial_item(enqueued).items()
        }
        if os.environ.get(ENV_WRITES) == WRITES_BY_UPDATE:
            del item["id"]
            wait = self._begin("update_item", Key=_key(enqueued.id, RECORD), **absent(item))
        else:
            item["part"] = attribute(RECORD)
            wait = self._begin("put_item", Item=item, **IF_ABSENT)

        def created() -> bool:
            try:
                wait()
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
            return True

        return created

    def get(self, task_id: str) -> Attributes | None:
        return _attributes(self._call("get_item", Key=_key(task_id, RECORD), ConsistentRead=True).get("Item"))

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        return self.begin_put_part(Part(task_id=task_id, name=part, text=text, ttl=ttl))()

    def begin_put_part(self, part: Part) -> Callable[[], str]:
        wait = self._begin(
            "update_item",
            Key=_key(part.task_id, part.name),
            **absent({"text": attribute(part.text), "ttl": attribute(part.ttl)}),
        )

        def put() -> str:
            try:
                wait()
            except self._client.exceptions.ConditionalCheckFailedException as exc:
                return str(exc.response["Item"]["text"]["S"])
            return part.text

        return put

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

    @property
    def _client(self) -> Any:
        return client("dynamodb", self._kind)

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return self._begin(operation, **arguments)()

    def _begin(self, operation: str, **arguments: Any) -> Callable[[], dict[str, Any]]:
        """Begin a call, and return what waits for its result."""
        dynamodb = self._client
        wait = under_way(dynamodb, operation, TableName=self.table, **arguments)

        def result() -> dict[str, Any]:
            try:
                return wait()
            except dynamodb.exceptions.ResourceNotFoundException as exc:
                raise ResourceMissing(self.alias, "table", self.table) from exc

        return result


def _key(task_id: str, part: str) -> dict[str, Any]:
    return {"id": attribute(task_id), "part": attribute(part)}


def _attributes(item: dict[str, Any] | None) -> dict[str, Value] | None:
    return {name: plain(value) for name, value in item.items() if name != "part"} if item else None
