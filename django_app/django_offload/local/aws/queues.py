"""The calls of SQS that event source mappings make, answered by moto in this process instead of over HTTP."""

import json
import threading
import time
from http import HTTPStatus
from io import BytesIO
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sqs.models import sqs_backends
from moto.sqs.responses import SQSResponse

from ...aws.loopback import LOOPBACK
from ..errors import QueueCallFailed
from .moto_requests import DirectRequest

# How often a waiting receive checks whether to stop, and whether a hidden message is visible again.
POLL_SECONDS = 0.2


class QueuesInProcess:
    """
    The methods of boto3's client that a mapping uses, on the queues of the server in this process.

    For each batch a mapping receives and deletes. With boto3 and HTTP around them, these two calls take
    longer than a small task. Each method raises QueueCallFailed if SQS refuses the call.
    """

    def __init__(self, port: int, region: str, stopping: threading.Event) -> None:
        self._region, self._stopping = region, stopping
        # moto reads the region from the signature, and doesn't check anything else of it.
        self._environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "SERVER_NAME": LOOPBACK,
            "SERVER_PORT": str(port),
            "wsgi.url_scheme": "http",
            "CONTENT_TYPE": "application/x-amz-json-1.0",
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=mapping/20260101/{region}/sqs/aws4_request",
        }

    def get_queue_url(self, **parameters: Any) -> dict[str, Any]:
        return self.call("GetQueueUrl", parameters)

    def receive_message(self, **parameters: Any) -> dict[str, Any]:
        """Return messages, if any come within WaitTimeSeconds. Return at once when everything stops."""
        self._wait_for_messages(parameters["QueueUrl"], parameters["WaitTimeSeconds"])
        return self.call("ReceiveMessage", {**parameters, "WaitTimeSeconds": 0})

    def delete_message_batch(self, **parameters: Any) -> dict[str, Any]:
        return self.call("DeleteMessageBatch", parameters)

    def change_message_visibility_batch(self, **parameters: Any) -> dict[str, Any]:
        return self.call("ChangeMessageVisibilityBatch", parameters)

    def _wait_for_messages(self, queue_url: str, seconds: float) -> None:
        queue: Any = sqs_backends[DEFAULT_ACCOUNT_ID][self._region].queues.get(queue_url.rsplit("/", 1)[-1])
        end = time.monotonic() + seconds
        while queue is not None and not queue.messages and not self._stopping.is_set():
            seconds_left = end - time.monotonic()
            if seconds_left <= 0:
                return
            queue.wait_for_messages(min(seconds_left, POLL_SECONDS))

    def call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Return the result of an operation. Raise QueueCallFailed if SQS refuses it."""
        body = json.dumps(parameters).encode()
        request = DirectRequest(
            {
                **self._environ,
                "HTTP_X_AMZ_TARGET": f"AmazonSQS.{operation}",
                "CONTENT_LENGTH": str(len(body)),
                "wsgi.input": BytesIO(body),
            }
        )
        status, _, content = SQSResponse().dispatch(request, request.raw_url, dict(request.headers))
        answer: dict[str, Any] = json.loads(content or "{}")
        if int(status) >= HTTPStatus.BAD_REQUEST:
            raise QueueCallFailed(operation, str(answer.get("message") or answer.get("__type")))
        return answer
