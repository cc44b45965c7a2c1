"""Faster ways into moto: connections that stay open, and no web framework around its frequent calls."""

import traceback
from collections.abc import Callable
from http import HTTPStatus
from importlib import import_module
from io import BytesIO
from typing import Any

from moto.core.request import Request
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import InternalServerError
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from ..loopback import GuardedRequests

# By the first part of the header X-Amz-Target: the class of moto that answers the service's calls.
DIRECT_SERVICES = {
    "AmazonSQS": "moto.sqs.responses:SQSResponse",
    "DynamoDB_20120810": "moto.dynamodb.responses:DynamoHandler",
}


class MotoRequests(GuardedRequests, MotoRequestHandler):
    """Answers the requests of one connection. werkzeug's own handler closes it after the first."""

    protocol_version = "HTTP/1.1"

    def run_wsgi(self) -> None:
        """Answer one request. Read its whole body first, because the next request follows it."""
        environ = self.make_environ()
        body = self.read_body(environ)
        if body is None:
            return
        environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        try:
            status, headers, content = self.answer(self.server.app, environ)
        except Exception:  # noqa: BLE001 - as on a real server, one failed request isn't the end.
            self.server.log("error", f"Error on request:\n{traceback.format_exc()}")
            status, headers, content = self.answer(InternalServerError(), environ)
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def read_body(self, environ: dict[str, Any]) -> bytes | None:
        """
        Return the request's whole body, or None if the client ended within it.

        If its end can't be known, answer with an error and return None.
        """
        lengths = self.headers.get_all("Content-Length", [])
        encodings = self.headers.get_all("Transfer-Encoding", [])
        is_clear = len(lengths) + len(encodings) <= 1 and all(
            [encoding.strip().lower() == "chunked" for encoding in encodings]
            + [length.isascii() and length.isdigit() for length in lengths]
        )
        if not is_clear:
            self.send_error(HTTPStatus.BAD_REQUEST, "The length of the request's body isn't clear.")
            self.close_connection = True
            return None
        if encodings:
            chunks: bytes = environ["wsgi.input"].read()  # Raises OSError if the last chunk is missing.
            return chunks
        length = int(lengths[0]) if lengths else 0
        body = self.rfile.read(length)
        if len(body) < length:  # The client has gone, and a part of an object is none.
            self.close_connection = True
            return None
        return body

    @staticmethod
    def answer(application: Any, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return the status, the headers and the content of an answer that says how long it is."""
        parts, status, headers = run_wsgi_app(application, environ, buffered=True)
        content = b"".join(parts)
        bodiless = environ["REQUEST_METHOD"] == "HEAD" or status.startswith(("204", "304"))
        if not bodiless:
            headers["Content-Length"] = str(len(content))
        return status, list(headers), content

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing, so that only functions write logs."""


def with_direct_calls(application: Any) -> Any:
    """Return `application` with calls of SQS and DynamoDB that go to moto's code for them without Flask."""
    handlers: dict[str, Callable[..., Any]] = {}
    for target, path in DIRECT_SERVICES.items():
        module, _, name = path.partition(":")
        handlers[target] = getattr(import_module(module), name)().dispatch

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        handler = handlers.get(environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[0])
        if handler is None:
            return application(environ, start_response)
        request = DirectRequest(environ)
        status, headers, content = handler(request, request.raw_url, dict(request.headers))
        return Response(response=content, status=status, headers=headers)(environ, start_response)

    return serve


class DirectRequest(Request):
    """A request of a real server, as moto tells them apart."""

    from_wsgi_server = True
