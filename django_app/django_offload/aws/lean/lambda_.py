"""Lambda: a function, invoked."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any, ClassVar
from urllib.parse import quote

from ...exceptions import ResourceNotFoundException
from .answer import Answer
from .service import Request, Result, Service


class Lambda(Service):
    """The payload is the body; the answer's is read at once, so that its connection carries the next call."""

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

    def result(self, answer: Answer) -> Result:
        found: Result = {"StatusCode": answer.status, "Payload": BytesIO(answer.body)}
        for name, header in (
            ("FunctionError", "x-amz-function-error"),
            ("ExecutedVersion", "x-amz-executed-version"),
        ):
            if header in answer.headers:
                found[name] = answer.headers[header]
        return found

    def code(self, answer: Answer, said: Mapping[str, Any]) -> str:
        named = answer.headers.get("x-amzn-errortype") or said.get("code", said.get("Code"))
        if named is None:
            return super().code(answer, said)
        return str(named).partition(":")[0].rpartition("#")[2]
