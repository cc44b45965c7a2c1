"""Records in DynamoDB: one table, partition key `id`, sort key `part`, a sparse index `due`."""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import count
from typing import Any

from ..aws import BOTO3, begun, client, pause_before_retry, under_way
from ..aws.loopback import is_loopback
from ..conf import ENV_WRITES, WRITES_BY_UPDATE, Options, aws_limits
from ..exceptions import ResourceMissing
from ..protocol.conditional_write import Attributes, ConditionalWrite, Operator, Refused, Value
from ..protocol.json_codec import EPOCH, from_micros, to_micros
from ..protocol.shards import READ_SHARDS
from .base import DueEntry, Part, Store

RECORD = "record"
INDEX = "due"
# How many shards of each band the local AWS has.
LOCAL_SHARDS = 4
is_local = lru_cache(maxsize=8)(is_loopback)


class Table:
    """The table of a stack, and how to call it."""

    def __init__(self, alias: str, table: str, client: str = BOTO3) -> None:
        self.alias, self.table, self._kind = alias, table, client

    @property
    def _client(self) -> Any:
        return client("dynamodb", self._kind)

    def _begin(self, operation: str, **arguments: Any) -> Callable[[], dict[str, Any]]:
        """Begin a call, and return what waits for its result."""
        dynamodb = self._client
        if "RequestItems" not in arguments:
            arguments["TableName"] = self.table
        wait = under_way(dynamodb, operation, **arguments)

        def result() -> dict[str, Any]:
            try:
                return wait()
            except dynamodb.exceptions.ResourceNotFoundException as exc:
                raise ResourceMissing(self.alias, "table", self.table) from exc

        return result


class DynamoDBStore(Table, Store):
    """
    Every write is one conditional UpdateItem, without transactions.

    The web side creates records by PutItem, which costs less. Workers rarely create one, and their role has
    one action fewer without it.
    """

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

    def begin_create(self, item: Attributes) -> Callable[[], bool]:
        # The same condition as transitions.create(), in fewer words, because nothing is merged.
        typed = {
            name: {"S": value} if isinstance(value, str) else {"N": str(value)}
            for name, value in item.items()
        }
        # A role of the stack's functions has no right to PutItem, which costs less than UpdateItem.
        if os.environ.get(ENV_WRITES) == WRITES_BY_UPDATE:
            task_id = typed.pop("id")["S"]
            wait = self._begin("update_item", Key=_key(task_id, RECORD), **write_if_absent(typed))
        else:
            typed["part"] = {"S": RECORD}
            wait = self._begin("put_item", Item=typed, **IF_NO_ITEM)

        def created() -> bool:
            try:
                wait()
            except self._client.exceptions.ConditionalCheckFailedException:
                return False
            return True

        return created

    def begin_create_many(self, items: Sequence[Attributes]) -> Callable[[], list[bool | Exception]]:
        if len(items) == 1:
            wait = begun(partial(self.begin_create, items[0]))
            return lambda: [wait()]
        return super().begin_create_many(items)

    def get(self, task_id: str) -> Attributes | None:
        return self.begin_get(task_id)()

    def begin_get(self, task_id: str) -> Callable[[], Attributes | None]:
        wait = self._begin("get_item", Key=_key(task_id, RECORD), ConsistentRead=True)
        return lambda: _attributes(wait().get("Item"))

    def put_part(self, task_id: str, part: str, text: str, ttl: int) -> str:
        return self.begin_put_part(Part(task_id=task_id, name=part, text=text, ttl=ttl))()

    def begin_put_part(self, part: Part) -> Callable[[], str]:
        wait = self._begin(
            "update_item",
            Key=_key(part.task_id, part.name),
            **write_if_absent({"text": attribute(part.text), "ttl": attribute(part.ttl)}),
        )

        def put() -> str:
            try:
                wait()
            except self._client.exceptions.ConditionalCheckFailedException as exc:
                return str(exc.response["Item"]["text"]["S"])
            return part.text

        return put

    def get_part(self, task_id: str, part: str) -> str | None:
        return self.begin_get_part(task_id, part)()

    def begin_get_part(self, task_id: str, part: str) -> Callable[[], str | None]:
        wait = self._begin("get_item", Key=_key(task_id, part), ConsistentRead=True)

        def text() -> str | None:
            item = wait().get("Item")
            return part_text(item) if item else None

        return text

    def parts(self, task_id: str) -> tuple[Attributes | None, Mapping[str, str]]:
        query = {
            "KeyConditionExpression": "#id = :id",
            "ExpressionAttributeNames": {"#id": "id"},
            "ExpressionAttributeValues": {":id": attribute(task_id)},
            "ConsistentRead": True,
        }
        record, texts = None, {}
        while True:
            answer = self._begin("query", **query)()
            for item in answer["Items"]:
                part = item["part"]["S"]
                if part == RECORD:
                    record = _attributes(item)
                elif (text := part_text(item)) is not None:
                    texts[part] = text
            if "LastEvaluatedKey" not in answer:
                return record, texts
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def due(self, shard: int, until: datetime, limit: int, since: datetime = EPOCH) -> Sequence[DueEntry]:
        return self.begin_due(shard, until, limit, since)()

    def begin_due(
        self, shard: int, until: datetime, limit: int, since: datetime = EPOCH
    ) -> Callable[[], Sequence[DueEntry]]:
        wait = self._begin(
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
        return lambda: [
            DueEntry(id=item["id"]["S"], due_at=from_micros(whole(item["due_at"]["N"])))
            for item in wait()["Items"]
        ]

    def begin_get_many(self, ids: Sequence[str]) -> Callable[[], Mapping[str, Attributes]]:
        # DynamoDB refuses a key that comes twice.
        keys = [_key(task_id, RECORD) for task_id in dict.fromkeys(ids)]
        wait = self._begin_batch(keys)

        def records() -> dict[str, Attributes]:
            found: dict[str, Attributes] = {}
            answer, retries = wait(), 0
            while True:
                for item in answer["Responses"].get(self.table, ()):
                    found[item["id"]["S"]] = _attributes(item) or {}
                left_out = answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys")
                if not left_out or not pause_before_retry(retries):
                    return found
                answer, retries = self._begin_batch(left_out)(), retries + 1

        return records

    def _begin_batch(self, keys: Sequence[Mapping[str, Any]]) -> Callable[[], dict[str, Any]]:
        """Begin to read items by their keys, as they are now."""
        return self._begin(
            "batch_get_item", RequestItems={self.table: {"Keys": keys, "ConsistentRead": True}}
        )

    @property
    def index_units_per_second(self) -> float:
        return math.inf if is_local(self._client.meta.endpoint_url) else aws_limits.PARTITION_WRITES

    @property
    def read_shards(self) -> int:
        # A query of the local AWS takes milliseconds of this machine.
        return LOCAL_SHARDS if is_local(self._client.meta.endpoint_url) else READ_SHARDS

    def shards(self, options: Options) -> int:
        return min(options.shards, self.read_shards)


def _key(task_id: str, part: str) -> dict[str, Any]:
    return {"id": attribute(task_id), "part": attribute(part)}


def _attributes(item: dict[str, Any] | None) -> dict[str, Value] | None:
    return {name: plain(value) for name, value in item.items() if name != "part"} if item else None


def part_text(item: Mapping[str, Any]) -> str | None:
    """Return the text of a part, or None if another writer's item has none."""
    text: str | None = item.get("text", {}).get("S")
    return text


def whole(digits: str) -> int:
    """Return a number of an index as a whole one. The record itself shows whether it was one."""
    try:
        return int(digits)
    except ValueError:
        return int(float(digits))


type Names = tuple[str, ...]
type Conditions = tuple[tuple[str, Operator], ...]

# The condition of a write that creates an item: there is none with its key.
IF_NO_ITEM: Mapping[str, Any] = {
    "ConditionExpression": "attribute_not_exists(#id)",
    "ExpressionAttributeNames": {"#id": "id"},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
# More placeholders than any write needs, made once, because every write needs a dozen.
PLACES = tuple(f":v{number}" for number in range(100))


def attribute(value: Value) -> dict[str, Any]:
    """Return a value in DynamoDB's typed form."""
    if isinstance(value, str):
        return {"S": value}
    if type(value) is int:
        return {"N": str(value)}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"L": [attribute(entry) for entry in value]}


def plain(typed: dict[str, Any]) -> Value:
    """
    Return a value from DynamoDB's typed form.

    Every number in a record is whole. Another writer's number becomes a float, which read_record() refuses.
    """
    ((kind, value),) = typed.items()
    if kind == "N":
        try:
            return int(value)
        except ValueError:
            return float(value)  # type: ignore[return-value]
    if kind == "L":
        return [str(plain(entry)) for entry in value]
    return value  # type: ignore[no-any-return]


def update(change: ConditionalWrite) -> dict[str, Any]:
    """Return the arguments of UpdateItem for a conditional write: two expressions, their names and values."""
    put, remove = change.put, change.remove
    # The keys are in the Key argument, and DynamoDB refuses them here.
    set_if_absent = [
        name for name in change.set_if_absent if name not in put and name not in remove and name != "id"
    ]
    written = _written(
        tuple(put),
        tuple(set_if_absent),
        tuple(change.append),
        tuple(change.increment),
        remove,
        tuple([tuple([(test.name, test.operator) for test in tests]) for tests in change.conditions]),
    )
    # In the order in which the writer below takes placeholders.
    values: list[Value] = [*put.values(), *[change.set_if_absent[name] for name in set_if_absent]]
    for entry in change.append.values():
        values += [], [entry]
    for step in change.increment.values():
        values += 0, step
    for tests in change.conditions:
        values += [test.operand for test in tests if test.operator is not Operator.ABSENT]
    if not values:
        return dict(written)
    return {
        **written,
        "ExpressionAttributeValues": {
            PLACES[number]: attribute(value) for number, value in enumerate(values)
        },
    }


# The text of a transition differs only in its values. Writing it once saves a sixth of a worker's time.
@lru_cache(maxsize=256)
def _written(
    put: Names,
    set_if_absent: Names,
    append: Names,
    increment: Names,
    remove: frozenset[str],
    conditions: tuple[Conditions, ...],
) -> Mapping[str, Any]:
    writing = _Writing()
    clauses = list(writing.clauses(put, set_if_absent, append, increment))
    sets = "SET " + ", ".join(clauses) if clauses else ""
    removes = "REMOVE " + ", ".join(map(writing.name, sorted(remove))) if remove else ""
    condition = " OR ".join([f"({' AND '.join(map(writing.test, tests))})" for tests in conditions])
    return {
        "UpdateExpression": f"{sets} {removes}".strip(),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": writing.names,
    }


def write_if_absent(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the arguments of an UpdateItem that writes typed attributes if there is no item with its key.

    If there is one, the refusal returns it.
    """
    values = {f":{name}": value for name, value in attributes.items()}
    return {**_expressions_if_absent(tuple(attributes)), "ExpressionAttributeValues": values}


@lru_cache(maxsize=256)
def _expressions_if_absent(names: Names) -> Mapping[str, Any]:
    return {
        **IF_NO_ITEM,
        "UpdateExpression": "SET " + ", ".join([f"#{name} = :{name}" for name in names]),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("id", *names)},
    }


class _Writing:
    """Takes names and placeholders as it writes. Every name has an alias, because some are reserved words."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._places = count()

    def clauses(self, put: Names, set_if_absent: Names, append: Names, increment: Names) -> Iterator[str]:
        for name in map(self.name, put):
            yield f"{name} = {self._place()}"
        for name in map(self.name, set_if_absent):
            yield f"{name} = if_not_exists({name}, {self._place()})"
        for name in map(self.name, append):
            yield f"{name} = list_append(if_not_exists({name}, {self._place()}), {self._place()})"
        for name in map(self.name, increment):
            yield f"{name} = if_not_exists({name}, {self._place()}) + {self._place()}"

    def test(self, test: tuple[str, Operator]) -> str:
        name, operator = self.name(test[0]), test[1]
        if operator is Operator.ABSENT:
            return f"attribute_not_exists({name})"
        if operator is Operator.SHORTER:
            return f"size({name}) < {self._place()}"
        return f"{name} {operator.value} {self._place()}"

    def name(self, name: str) -> str:
        alias = f"#{name}"
        self.names[alias] = name
        return alias

    def _place(self) -> str:
        return f":v{next(self._places)}"
