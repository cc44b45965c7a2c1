"""The little that the stand-in for AWS keeps: messages until they are received, claims until their end."""

import re
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

type Given = Mapping[str, Any]


class Held:
    """Answers the calls whose answers depend on what was sent."""

    OPERATIONS: ClassVar = (
        "SendMessage",
        "SendMessageBatch",
        "ReceiveMessage",
        "DeleteMessageBatch",
        "UpdateItem",
    )

    def __init__(self) -> None:
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
        key = given["Key"]["id"]["S"]
        before = self._items.pop(key, None)
        if before is not None:
            return {"Attributes": before} if given.get("ReturnValues") == "ALL_OLD" else {}
        # What may find no item finds none, and what demands one finds a record as enqueue() writes it.
        born = {} if UNBORN in given.get("ConditionExpression", UNBORN) else {**BORN, **given["Key"]}
        values = given["ExpressionAttributeValues"]
        item = {**born, **given["Key"]}
        for name, default, step, value in ASSIGNMENT.findall(given["UpdateExpression"]):
            item[name] = values[step or default or value]
        self._items[key] = item
        return {"Attributes": born} if born else {}

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
