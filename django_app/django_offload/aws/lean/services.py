"""The services that the lean client can call, with their protocols: what they send, return and refuse."""

import json
from abc import ABC, abstractmethod
from binascii import crc32
from collections.abc import Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from ...exceptions import (
    ConditionalCheckFailedException,
    QueueDoesNotExist,
    Refusal,
    ResourceNotFoundException,
)
from ...protocol.json_codec import load, writer
from .response import Response
from .sigv4 import Headers

# As botocore writes it.
write_json = writer(item=", ", key=": ", allow_nan=True)
EMPTY = (b"{}", b"")
PHRASES = {status.value: status.phrase for status in HTTPStatus}

type Result = dict[str, Any]


class Request(NamedTuple):
    """A request that is not signed yet; the names of its headers are lower case."""

    operation: str
    path: str
    headers: Headers
    body: bytes


class Service(ABC):
    """The protocol of one service."""

    name: ClassVar[str]
    # By the name of boto3's method. There are no other calls.
    operations: ClassVar[Mapping[str, str]]
    # By code: those that have a class of their own, so that callers can catch them.
    refusals: ClassVar[Mapping[str, type[Refusal]]]

    @abstractmethod
    def request(self, operation: str, arguments: Mapping[str, Any]) -> Request:
        """Return the request that boto3 would send for the same arguments."""

    @abstractmethod
    def result(self, response: Response) -> Result:
        """Return what boto3 would, without ResponseMetadata. Raise ValueError if the response is invalid."""

    def error_code(self, response: Response, fields: Mapping[str, Any]) -> str:
        """Return the code of a refusal, whose body contains these fields."""
        return str(fields.get("__type", response.status)).partition(":")[0].rpartition("#")[2]

    def refusal(self, operation: str, response: Response) -> Refusal:
        """Return the exception for a response that refuses the call."""
        fields = error_fields(response)
        from_proxy = is_from_proxy(response)
        code = str(response.status) if from_proxy else self.error_code(response, fields)
        error = {"Message": fields.get("message", fields.get("Message", "")), "Code": code}
        metadata = {
            "HTTPStatusCode": response.status,
            "HTTPHeaders": response.headers,
            "RequestId": response.headers.get("x-amzn-requestid"),
        }
        members = {name: value for name, value in fields.items() if name != "__type"}
        return self.refusals.get(code, Refusal)(
            operation, response.status, {**members, "Error": error, "ResponseMetadata": metadata}
        )


class JSONService(Service):
    """A service that takes JSON at the path /, with the operation in a header."""

    target: ClassVar[str]
    version: ClassVar[str] = "1.0"  # Of the protocol.
    more_headers: ClassVar[Headers] = ()

    def __init__(self) -> None:
        self._headers = {
            operation: (
                ("content-type", f"application/x-amz-json-{self.version}"),
                ("x-amz-target", f"{self.target}.{name}"),
                *self.more_headers,
            )
            for operation, name in self.operations.items()
        }

    def request(self, operation: str, arguments: Mapping[str, Any]) -> Request:
        body = write_json(arguments).encode("ascii")
        return Request(self.operations[operation], "/", self._headers[operation], body)

    def result(self, response: Response) -> Result:
        if response.body in EMPTY:
            return {}
        fields = load(response.body.decode())
        if not isinstance(fields, dict):
            raise ValueError("not an object")
        return fields


class DynamoDB(JSONService):
    """Responses contain a checksum, which result() checks. Every write has a condition."""

    name = "dynamodb"
    target = "DynamoDB_20120810"
    operations: ClassVar = {
        "put_item": "PutItem",
        "update_item": "UpdateItem",
        "get_item": "GetItem",
        "query": "Query",
        "batch_get_item": "BatchGetItem",
    }
    refusals: ClassVar = {
        "ConditionalCheckFailedException": ConditionalCheckFailedException,
        "ResourceNotFoundException": ResourceNotFoundException,
    }

    def result(self, response: Response) -> Result:
        checksum = response.headers.get("x-amz-crc32")
        if checksum is not None and int(checksum) != crc32(response.body):
            raise ValueError("changed on its way")
        return super().result(response)


class SQS(JSONService):
    """A header makes SQS return the error codes of its former protocol, as boto3 expects them."""

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

    def error_code(self, response: Response, fields: Mapping[str, Any]) -> str:
        former_code, separator, kind = response.headers.get("x-amzn-query-error", "").partition(";")
        if former_code and separator and ";" not in kind:
            return former_code
        return super().error_code(response, fields)


class Lambda(Service):
    """The body is the payload. The response's payload is read at once, so that its connection is free."""

    name = "lambda"
    operations: ClassVar = {"invoke": "Invoke"}
    refusals: ClassVar = {"ResourceNotFoundException": ResourceNotFoundException}

    def request(self, operation: str, arguments: Mapping[str, Any]) -> Request:
        if unknown := arguments.keys() - {"FunctionName", "InvocationType", "Payload"}:
            raise TypeError(f"invoke() knows no argument {sorted(unknown)}")
        function = quote(arguments["FunctionName"], safe="-._~")
        kind = arguments.get("InvocationType")
        headers = (("x-amz-invocation-type", kind),) if kind else ()
        path = f"/2015-03-31/functions/{function}/invocations"
        return Request("Invoke", path, headers, arguments.get("Payload", b""))

    def result(self, response: Response) -> Result:
        result: Result = {"StatusCode": response.status, "Payload": BytesIO(response.body)}
        for name, header in (
            ("FunctionError", "x-amz-function-error"),
            ("ExecutedVersion", "x-amz-executed-version"),
        ):
            if header in response.headers:
                result[name] = response.headers[header]
        return result

    def error_code(self, response: Response, fields: Mapping[str, Any]) -> str:
        kind = response.headers.get("x-amzn-errortype") or fields.get("code", fields.get("Code"))
        if kind is None:
            return super().error_code(response, fields)
        return str(kind).partition(":")[0].rpartition("#")[2]


class SSM(JSONService):
    """Systems Manager. Results lack the date of a parameter, which boto3 would convert."""

    name = "ssm"
    target = "AmazonSSM"
    version = "1.1"
    operations: ClassVar = {"get_parameters": "GetParameters"}
    refusals: ClassVar = {}

    def result(self, response: Response) -> Result:
        result = super().result(response)
        for parameter in result.get("Parameters", ()):
            parameter.pop("LastModifiedDate", None)
        return result


class SecretsManager(JSONService):
    """Results lack dates and bytes, which boto3 would convert; an environment variable contains text."""

    name = "secretsmanager"
    target = "secretsmanager"
    version = "1.1"
    operations: ClassVar = {"get_secret_value": "GetSecretValue"}
    refusals: ClassVar = {}

    def result(self, response: Response) -> Result:
        result = super().result(response)
        for name in ("CreatedDate", "SecretBinary"):
            result.pop(name, None)
        return result


def is_from_proxy(response: Response) -> bool:
    """Return True if a proxy before the service has sent the response, which has a page or no body."""
    text = response.body.strip()
    return response.status >= HTTPStatus.INTERNAL_SERVER_ERROR and (not text or text.startswith(b"<html>"))


def error_fields(response: Response) -> Mapping[str, Any]:
    """Return the fields of a refusal's JSON. If the body is no JSON object, return it as the message."""
    if is_from_proxy(response):
        return {"message": PHRASES.get(response.status, "")}
    try:
        fields = json.loads(response.body or b"{}")
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else {"message": response.body.decode("utf-8", "replace")}
