"""The little that the stand-in for AWS keeps: messages until they are received, claims until their end."""

import re
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

# More messages than any measurement sends and then receives.
MOST_MESSAGES = 20_000
MD5 = "0" * 32
# What our library writes into an UpdateExpression.
ASSIGNMENT = re.compile(r"#(\w+) = (?:if_not_exists\(#\w+, (:\w+)\)(?: \+ (:\w+))?|(:\w+))")

UNBORN = "attribute_not_exists(#id)"
BORN: Mapping[str, Mapping[str, str]] = {
    "alias": {"S": "default"},
    "name": {"S": "tests.benchmarks.tasks.nothing"},
    "queue": {"S": "default"},
    "arguments": {"S": "[[7],{}]"},
    "status": {"S": "READY"},
    "enqueued_at": {"N": "1700000000000000"},
    "not_before": {"N": "0"},
    "due_at": {"N": "1700000300000000"},
    "due_shard": {"N": "1"},
    "ttl": {"N": "1702592000"},
}

# The first partition with deferred tasks, and how many the local AWS has.
DEFERRED, SHARDS = 2_000, 4
# They start 10 minutes after the stand-in; the sweeper may send them 14 minutes before.
AHEAD, LEAD = 600_000_000, 840_000_000

type Given = Mapping[str, Any]


class Held:
    """Answers the calls whose answers depend on what was sent."""

    OPERATIONS: ClassVar = (
        "SendMessage",
        "SendMessageBatch",
        "ReceiveMessage",
        "DeleteMessageBatch",
        "UpdateItem",
        "Query",
        "GetItem",
        "BatchGetItem",
    )

    def __init__(self, due: int = 0) -> None:
        """Hold `due` deferred tasks, for ever: however often the sweeper moves them, they are due."""
        self._due, self._start = due // SHARDS, int(time.time() * 1_000_000) + AHEAD
        self._messages: deque[str] = deque(maxlen=MOST_MESSAGES)
        self._items: dict[str, dict[str, Any]] = {}
        self._handles = 0

    def SendMessage(self, given: Given) -> Given:
        self._messages.append(given["MessageBody"])
        return {"MD5OfMessageBody": MD5, "MessageId": self._next()}

    def SendMessageBatch(self, given: Given) -> Given:
        self._messages.extend(entry["MessageBody"] for entry in given["Entries"])
        accepted = [
            {"Id": entry["Id"], "MessageId": self._next(), "MD5OfMessageBody": MD5}
            for entry in given["Entries"]
        ]
        return {"Successful": accepted, "Failed": []}

    def ReceiveMessage(self, given: Given) -> Given:
        count = min(int(given.get("MaxNumberOfMessages", 1)), len(self._messages))
        taken = [self._messages.popleft() for _ in range(count)]
        attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1700000000000"}
        return {"Messages": [self._message(body, attributes) for body in taken]} if taken else {}

    def DeleteMessageBatch(self, given: Given) -> Given:
        return {"Successful": [{"Id": entry["Id"]} for entry in given["Entries"]], "Failed": []}

    def UpdateItem(self, given: Given) -> Given:
        """Assign; an item is forgotten with its second update, which ends its task. Conditions all hold."""
        key, returns_old = given["Key"]["id"]["S"], given.get("ReturnValues") == "ALL_OLD"
        before = self._items.pop(key, None)
        if before is not None:
            return {"Attributes": before} if returns_old else {}
        # What may find no item finds none, and what demands one finds a record as enqueue() writes it.
        born = {} if UNBORN in given.get("ConditionExpression", UNBORN) else {**BORN, **given["Key"]}
        values = given["ExpressionAttributeValues"]
        item = {**born, **given["Key"]}
        for name, default, step, value in ASSIGNMENT.findall(given["UpdateExpression"]):
            item[name] = values[step or default or value]
        self._items[key] = item
        return {"Attributes": born} if born and returns_old else {}

    def Query(self, given: Given) -> Given:
        """Return the entries of a partition of the index, each due a microsecond after the one before."""
        values = {name: int(value["N"]) for name, value in given["ExpressionAttributeValues"].items()}
        number = values.get(":shard", 0) - DEFERRED
        if not 0 <= number < SHARDS:
            return {"Items": [], "Count": 0}
        first = max(values[":since"] - self._start + LEAD, 0)
        ids = [f"{count:028x}{number:04x}" for count in range(first, self._due)][: given["Limit"]]
        items = [{name: self._deferred(task_id)[name] for name in ("id", "due_at")} for task_id in ids]
        return {"Items": items, "Count": len(items)}

    def GetItem(self, given: Given) -> Given:
        return {"Item": self._deferred(given["Key"]["id"]["S"])} if self._due else {}

    def BatchGetItem(self, given: Given) -> Given:
        ((table, asked),) = given["RequestItems"].items()
        found = [self._deferred(key["id"]["S"]) for key in asked["Keys"]]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def _deferred(self, task_id: str) -> dict[str, Any]:
        start = self._start + int(task_id[:28], 16)
        due_shard = DEFERRED + int(task_id[28:], 16)
        instants = {"not_before": start, "run_after": start, "due_at": start - LEAD, "due_shard": due_shard}
        return {
            **BORN,
            "id": {"S": task_id},
            **{name: {"N": str(number)} for name, number in instants.items()},
        }

    def _message(self, body: str, attributes: Given) -> Given:
        name = self._next()
        return {
            "MessageId": name,
            "ReceiptHandle": name,
            "Body": body,
            "MD5OfBody": MD5,
            "Attributes": attributes,
        }

    def _next(self) -> str:
        self._handles += 1
        return f"00000000-0000-0000-0000-{self._handles:012d}"
