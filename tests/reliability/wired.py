"""A stack reached over a wire that can fail, by either client."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_offload.aws import clients
from django_offload.aws.lean.call import Call
from django_offload.aws.lean.endpoint import address_of
from django_offload.aws.lean.pool import Pool
from django_offload.conf import configured
from django_offload.exceptions import CallFailed
from django_offload.protocol.record import read_record
from django_offload.stores import store_of
from django_offload.testing import Invocation
from django_offload.transports import transport_of
from django_offload.worker import batch, sweep
from tests.reliability import proxy
from tests.reliability.postgresql import free_port
from tests.reliability.proxy import INVOKE, Proxy

BEGIN = Call.send
LONGEST = 30  # Deliveries until a task must have ended.
FAULTS = {
    "reset": proxy.reset,
    "black hole": proxy.black_hole,
    "half a reply": proxy.half_a_reply,
    "reply lost": proxy.reply_lost,
    "delay": proxy.delay,
    "slow drip": proxy.slow_drip,
    "malformed": proxy.malformed,
    "refused": None,
    "throttled": proxy.answer("400 Bad Request", "ThrottlingException"),
    "500": proxy.answer("500 Internal Server Error", "InternalServerError"),
    "503": proxy.answer("503 Service Unavailable", "ServiceUnavailable"),
    "forbidden": proxy.answer("403 Forbidden", "AccessDeniedException"),
}
# Which only the lean client ends in time: boto3's time-out is one of each read.
DRIP = {"drip": proxy.drip}


class Line:
    """One stack, reached through the proxy; time is skipped instead of waited for."""

    def __init__(self, aws: Any, proxy: Proxy) -> None:
        self.aws, self.proxy = aws, proxy
        self.options = configured()["default"]
        self.now = datetime.now(UTC)
        self.sqs = aws.client("sqs")  # Past the proxy: what the event source mapping does.
        self.url = self.sqs.get_queue_url(QueueName=self.options.queue("default"))["QueueUrl"]
        self.refused: tuple[str, int] = ("", 0)

    def arm(self, call: str, fault: str, times: int) -> None:
        if fault == "refused":
            self.refused = (call, times)
        else:
            self.proxy.arm(call, {**FAULTS, **DRIP}[fault], times)

    def heal(self) -> None:
        self.proxy.disarm()
        self.refused = ("", 0)

    def refuse(self, request: Any, event_name: str, **kwargs: object) -> None:
        """Send a call to a port that nobody listens on."""
        if self._refuses(event_name.rpartition(".")[2]):
            request.url = f"http://127.0.0.1:{free_port()}/"

    def _refuses(self, name: str) -> bool:
        call, times = self.refused
        if not times or name != call:
            return False
        self.refused = (call, times - 1)
        self.proxy.hit.append(call)
        self.proxy.kept.append(False)
        return True

    def stands_between(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Have new clients wait for answers this long, and be refused when that is armed."""
        monkeypatch.setattr(clients, "READ_TIMEOUT_SECONDS", seconds)
        clients.reset_clients()
        for service in ("sqs", "dynamodb", "lambda"):
            clients.client(service).meta.events.register(f"before-send.{service}", self.refuse)

        def begin(call: Call) -> None:
            self._begin(call)

        monkeypatch.setattr(Call, "send", begin)

    def _begin(self, call: Call) -> None:
        client, pool = call._client, call._client.pool
        if self._refuses(call._request.operation):
            address = address_of(f"http://127.0.0.1:{free_port()}")
            assert address is not None
            client.pool = Pool(address)
        try:
            BEGIN(call)
        finally:
            client.pool = pool

    def connect(self, call: str) -> None:
        """Have a connection that the client keeps, and uses again for this call."""
        if call == INVOKE:
            transport_of(configured()["other"]).send("default", "{}", timedelta(0))
            self.proxy.invoked.clear()
        elif "Message" in call:
            transport_of(self.options).depth("default")
        else:
            store_of(self.options).get("0" * 32)

    def receive(self) -> list[dict[str, Any]]:
        return self.sqs.receive_message(
            QueueUrl=self.url, VisibilityTimeout=600, MessageSystemAttributeNames=["All"]
        ).get("Messages", [])

    def deliver(self, seconds: float = 300.0) -> int:
        """Deliver what is under way once, and check that what is acknowledged has ended."""
        return self._invoke(seconds) + self._deliver(seconds)

    def _invoke(self, seconds: float) -> int:
        """Invoke the worker with what Lambda has accepted."""
        events, self.proxy.invoked = self.proxy.invoked, []
        for event in events:
            context = Invocation(self.options.worker_function("default"), seconds)
            with suppress(CallFailed):  # The sweeper sends it again: Lambda's own tries are left out.
                batch.handler(json.loads(event), context, lambda: self.now)
        return len(events)

    def _deliver(self, seconds: float) -> int:
        messages = self.receive()
        for message in messages:
            context = Invocation(self.options.worker_function("default"), seconds)
            said = batch.handler(self.event(message), context, lambda: self.now)
            if said == {"batchItemFailures": []}:
                task_id = json.loads(message["Body"])["id"]
                assert self.record(task_id).ended, "acknowledged without an outcome"
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            else:
                assert said == {"batchItemFailures": [{"itemIdentifier": message["MessageId"]}]}
                self.sqs.change_message_visibility(
                    QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
                )
        return len(messages)

    def event(self, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "Records": [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": message["Attributes"],
                    "eventSource": "aws:sqs",
                    "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{self.options.queue('default')}",
                }
            ]
        }

    def record(self, task_id: str) -> Any:
        item = self.aws.client("dynamodb").get_item(
            TableName=self.options.table,
            Key={"id": {"S": task_id}, "part": {"S": "record"}},
            ConsistentRead=True,
        )
        from django_offload.stores.dynamodb import _attributes

        return read_record(_attributes(item["Item"]) or {})

    def finish(self, task_id: str) -> Any:
        """Deliver, let time pass and sweep until the task has ended and its queue is empty."""
        for _ in range(LONGEST):
            if self.deliver():
                self.now += timedelta(seconds=60)
            elif self.ended(task_id):
                return self.record(task_id)
            else:
                self.now += timedelta(seconds=400)
                sweep.sweep(lambda: self.now, lambda: 60.0)
        raise AssertionError(f"{task_id} did not end: it is lost, or stuck")

    def ended(self, task_id: str) -> bool:
        attributes = store_of(self.options).get(task_id)
        return attributes is not None and read_record(attributes).ended
