"""DynamoDB: records, and the parts beside them."""

from binascii import crc32
from typing import ClassVar

from ...exceptions import ConditionalCheckFailedException, ResourceNotFoundException
from .answer import Answer
from .service import JSONService, Result


class DynamoDB(JSONService):
    """Answers carry a checksum, which is looked at. No call writes but under a condition."""

    name = "dynamodb"
    target = "DynamoDB_20120810"
    operations: ClassVar = {
        "put_item": "PutItem",
        "update_item": "UpdateItem",
        "get_item": "GetItem",
        "query": "Query",
    }
    refusals: ClassVar = {
        "ConditionalCheckFailedException": ConditionalCheckFailedException,
        "ResourceNotFoundException": ResourceNotFoundException,
    }

    def result(self, answer: Answer) -> Result:
        checksum = answer.headers.get("x-amz-crc32")
        if checksum is not None and int(checksum) != crc32(answer.body):
            raise ValueError("changed on its way")
        return super().result(answer)
