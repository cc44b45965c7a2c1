"""SQS: messages out, and those given back."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ...exceptions import QueueDoesNotExist
from .answer import Answer
from .service import JSONService


class SQS(JSONService):
    """Codes of refusals are those of its former protocol, which a header carries."""

    name = "sqs"
    target = "AmazonSQS"
    more_headers: ClassVar = (("x-amzn-query-mode", "true"),)
    operations: ClassVar = {
        "send_message": "SendMessage",
        "send_message_batch": "SendMessageBatch",
        "change_message_visibility": "ChangeMessageVisibility",
        "get_queue_url": "GetQueueUrl",
        "get_queue_attributes": "GetQueueAttributes",
    }
    refusals: ClassVar = {
        "AWS.SimpleQueueService.NonExistentQueue": QueueDoesNotExist,
        "QueueDoesNotExist": QueueDoesNotExist,
    }

    def code(self, answer: Answer, said: Mapping[str, Any]) -> str:
        former, parted, kind = answer.headers.get("x-amzn-query-error", "").partition(";")
        if former and parted and ";" not in kind:
            return former
        return super().code(answer, said)
