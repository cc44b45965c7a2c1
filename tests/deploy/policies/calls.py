"""Every call that reaches AWS on this machine, as the action and the resource that IAM would ask about."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

from django_offload.aws import clients
from django_offload.local.aws.schedule import Rule
from django_offload.local.lambda_.functions import Function
from django_offload.local.lambda_.in_process import InProcessInvoker
from django_offload.local.lambda_.invoker import Outcome
from django_offload.stack.names import SCHEDULER
from django_offload.stack.versions import LIVE
from django_offload.transports import sqs

# Whoever prepares or looks, in tests, acts as nobody whose policy is asked.
NOBODY = "nobody"
ACCOUNT = "123456789012"
# The session token of those who act as a role.
ACTING = "acting"
# A batch is allowed by the action on one entry: https://docs.aws.amazon.com/service-authorization/latest/reference/
_BATCHES = ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch")


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """What a role did."""

    role: str
    action: str
    resource: str


class Recorder:
    """Notes every call with the role that acts; one at a time, as a test does."""

    def __init__(self, region: str) -> None:
        self.calls: set[Call] = set()
        self.role = NOBODY
        self.feeding: dict[str, str] = {}  # The function that Lambda feeds from a queue, by the queue's name.
        self._region = region

    @contextmanager
    def acting(self, role: str, variables: Mapping[str, str] | None = None) -> Iterator[None]:
        """Act as a role, in the environment that its function has."""
        before, role_before = dict(os.environ), self.role
        os.environ.update(
            {key: text for key, text in (variables or {}).items() if key.startswith("OFFLOAD_")}
        )
        sqs.clear_urls()
        self.role = role
        try:
            yield
        finally:
            self.role = role_before
            os.environ.clear()
            os.environ.update(before)

    def note(self, action: str, *path: str, role: str | None = None) -> None:
        service = action.partition(":")[0]
        where = "" if service == "s3" else f"{self._region}:{ACCOUNT}"
        account = where or ":"
        self.calls.add(Call(role or self.role, action, f"arn:aws:{service}:{account}:{'/'.join(path)}"))

    def observing(self, application: Any) -> Any:
        """Return moto's application with every call noted."""

        def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            self._read(environ, body)
            return application(environ, start_response)  # type: ignore[no-any-return]

        return serve

    def polling(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method of QueuesInProcess with what Lambda does for a mapping noted."""

        def noted(queues: object, operation: str, parameters: Mapping[str, Any]) -> Any:
            self._read_json(f"AmazonSQS.{operation}", parameters, own=False)
            return call(queues, operation, parameters)

        return noted

    def invoking(self, invoke: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method of InvokeApi with every call noted."""

        def noted(api: object, name: str, kind: str, event: bytes) -> Any:
            # A name, or the whole ARN.
            self.note("lambda:InvokeFunction", f"function:{name.rpartition('function:')[2]}")
            return invoke(api, name, kind, event)

        return noted

    def striking(self, invoke: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method of Schedule with what Scheduler does noted, as its role."""

        def noted(schedule: object, rule: Rule) -> Any:
            if rule.input and "schedule" in json.loads(
                rule.input
            ):  # Else it is EventBridge's, which has no role.
                # On AWS the target is the alias, which no stand-in can create.
                name = rule.function_arn.rpartition(":")[2]
                self.note("lambda:InvokeFunction", f"function:{name}:{LIVE}", role=SCHEDULER)
            return invoke(schedule, rule)

        return noted

    def _read(self, environ: Mapping[str, Any], body: bytes) -> None:
        # What tells a role's own calls from those of Lambda, and of the machinery around it.
        own = environ.get("HTTP_X_AMZ_SECURITY_TOKEN") == ACTING
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if own and "/monitoring/" in environ["HTTP_AUTHORIZATION"]:
            action = target.rpartition(".")[2] or environ["PATH_INFO"].rpartition("/")[2]
            self.calls.add(Call(self.role, f"cloudwatch:{action}", "*"))  # It is of no resource.
        elif target:
            self._read_json(target, json.loads(body or b"{}"), own=own)
        elif own and "/s3/" in environ["HTTP_AUTHORIZATION"]:
            self._read_s3(environ)

    def _read_json(self, target: str, said: Mapping[str, Any], *, own: bool) -> None:
        service, _, action = target.partition(".")
        if service == "AmazonSQS":
            name = said.get("QueueName") or said["QueueUrl"].rsplit("/", 1)[-1]
            action = action.removesuffix("Batch") if action in _BATCHES else action
            if own:
                self.note(f"sqs:{action}", name)
            elif (
                action in {"ReceiveMessage", "DeleteMessage"} and name in self.feeding and self.role == NOBODY
            ):
                self.note(f"sqs:{action}", name, role=self.feeding[name])
        elif own and action == "BatchGetItem":
            for name in said["RequestItems"]:
                self.note(f"dynamodb:{action}", f"table/{name}")
        elif own and service.startswith("DynamoDB"):
            index = [f"index/{said['IndexName']}"] if "IndexName" in said else []
            self.note(f"dynamodb:{action}", f"table/{said['TableName']}", *index)
        elif own and service == "AmazonSSM":
            for name in said["Names"]:
                self.note(f"ssm:{action}", f"parameter/{name.lstrip('/')}")
        elif own and service == "secretsmanager":
            self.note(f"secretsmanager:{action}", f"secret:{said['SecretId']}-abcdef")

    def _read_s3(self, environ: Mapping[str, Any]) -> None:
        bucket, _, key = environ["PATH_INFO"].strip("/").partition("/")
        if not key:
            query = parse_qs(environ["QUERY_STRING"])
            assert "list-type" in query, query
            # The policy allows no other prefix.
            assert query["prefix"] == ["dead/"], query
            self.note("s3:ListBucket", bucket)
            return
        action = {"GET": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}[environ["REQUEST_METHOD"]]
        self.note(f"s3:{action}", bucket, key)


class AsDeployed(InProcessInvoker):
    """Calls handlers in this process, each as its function's role."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def invoke(self, function: Function, event: bytes) -> Outcome:
        # On AWS a function is told its workers' alias, which no stand-in can create.
        with self._recorder.acting(function.name, {**function.environment, "OFFLOAD_ALIAS": LIVE}):
            return super().invoke(function, event)


def forget() -> None:
    """Drop every client and name: they belong to another AWS."""
    clients.reset_clients()
    sqs.clear_urls()
