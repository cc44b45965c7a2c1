"""What the services have in common: arguments become a request, an answer a result or a refusal."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, NamedTuple

from ...exceptions import Refusal
from ...protocol.json_codec import load, writer
from .answer import Answer
from .sigv4 import Headers

# As botocore writes it.
_write = writer(item=", ", key=": ", allow_nan=True)
EMPTY = (b"{}", b"")
_PHRASES = {status.value: status.phrase for status in HTTPStatus}

type Result = dict[str, Any]


class Request(NamedTuple):
    """What a call sends, not yet signed; names of headers are lower case."""

    operation: str
    path: str
    headers: Headers
    body: bytes


class Service(ABC):
    """Speaks one service's protocol."""

    name: ClassVar[str]
    # By the name that boto3 gives its method: the only calls there are.
    operations: ClassVar[Mapping[str, str]]
    # By code: those that somebody catches.
    refusals: ClassVar[Mapping[str, type[Refusal]]]

    @abstractmethod
    def request(self, operation: str, arguments: Mapping[str, Any]) -> Request:
        """Return the request of a call, as boto3 would send it for the same arguments."""

    @abstractmethod
    def result(self, answer: Answer) -> Result:
        """Return what boto3 would, but for ResponseMetadata. Raise ValueError for what is no answer."""

    def code(self, answer: Answer, said: Mapping[str, Any]) -> str:
        """Return the code of a refusal that `said` this."""
        return str(said.get("__type", answer.status)).partition(":")[0].rpartition("#")[2]

    def refusal(self, operation: str, answer: Answer) -> Refusal:
        """Return what an answer of refusal means."""
        said = _said(answer)
        code = str(answer.status) if _of_something_between(answer) else self.code(answer, said)
        error = {"Message": said.get("message", said.get("Message", "")), "Code": code}
        metadata = {
            "HTTPStatusCode": answer.status,
            "HTTPHeaders": answer.headers,
            "RequestId": answer.headers.get("x-amzn-requestid"),
        }
        members = {name: value for name, value in said.items() if name != "__type"}
        response = {**members, "Error": error, "ResponseMetadata": metadata}
        return self.refusals.get(code, Refusal)(operation, answer.status, response)


class JSONService(Service):
    """JSON to the path /, the operation in a header."""

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
        body = _write(arguments).encode("ascii")
        return Request(self.operations[operation], "/", self._headers[operation], body)

    def result(self, answer: Answer) -> Result:
        if answer.body in EMPTY:
            return {}
        found = load(answer.body.decode())
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return found


def _of_something_between(answer: Answer) -> bool:
    """Tell whether not the service answered, but what stands before it: with a page, or nothing."""
    text = answer.body.strip()
    return answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and (not text or text.startswith(b"<html>"))


def _said(answer: Answer) -> Mapping[str, Any]:
    """Return the JSON of a refusal; of any other text, that text."""
    if _of_something_between(answer):
        return {"message": _PHRASES.get(answer.status, "")}
    try:
        said = json.loads(answer.body or b"{}")
    except ValueError:
        said = None
    return said if isinstance(said, dict) else {"message": answer.body.decode("utf-8", "replace")}
