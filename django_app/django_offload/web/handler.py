"""The handler of the web function: a request in, the site's response out."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest, SuspiciousOperation

from ..exceptions import ConfigurationError
from .requests import Request, Site, has_readable_charset, read_request
from .responses import (
    FAILED,
    LARGEST_RESPONSE,
    REFUSED,
    TEXT_TYPES,
    TOO_LARGE,
    completed,
    for_adapter,
    plain_response,
    size_of,
)

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger("django_offload.web")

# The variables of apig-wsgi that hold for each request. Request.environ() has the others.
_OF_ADAPTER = {"REQUEST_METHOD", "CONTENT_LENGTH"}


class Handler:
    """
    Answers the events of a web function with a WSGI application.

    Raise ConfigurationError if apig-wsgi isn't installed.
    """

    def __init__(self, application: "WSGIApplication", site: Site) -> None:
        try:
            from apig_wsgi import make_lambda_handler
        except ImportError as exc:
            raise ConfigurationError(
                "default",
                "The web function needs apig-wsgi, which isn't installed.",
                'Add "django-offload[web]" to the requirements of the functions.',
            ) from exc
        self._make_adapter = make_lambda_handler
        self.application, self.site = application, site
        self._text_types = TEXT_TYPES + site.text_types

    def __call__(self, event: object, context: object) -> Mapping[str, Any]:
        """
        Return the site's response, in the form of the event's version.

        Raise UnknownEvent for everything but an HTTP request. Nothing in an event is imported, called or put
        into the environment.
        """
        request = read_request(event, self.site)
        start = time.perf_counter()
        response = self.respond(request, context)
        # A function URL has no log of its own.
        duration = (time.perf_counter() - start) * 1000
        logger.info("%s %s %.1f ms", request.line, response["statusCode"], duration)
        return response

    def respond(self, request: Request, context: object) -> Mapping[str, Any]:
        """
        Return the response to a request.

        It is a 400 if Django can't read the headers, and a 500 if the application fails, or says too much for
        Lambda.
        """
        if not has_readable_charset(request.headers.get("content-type", "")):
            # Django would raise LookupError while it makes a request of the headers.
            logger.warning("%s refused: the charset of its Content-Type decodes no text", request.line)
            return plain_response(REFUSED, 400)
        names: dict[str, str] = {}
        adapted = self._make_adapter(
            application_for(request, self.application, context, names),
            binary_support=True,
            non_binary_content_type_prefixes=self._text_types,
        )
        try:
            response = completed(adapted(request.as_event(), context), names)
        except (BadRequest, SuspiciousOperation) as exc:
            # Django raises these while it makes a request of the headers, before it could answer itself.
            logger.warning("%s refused: %s", request.line, type(exc).__name__)
            return plain_response(REFUSED, 400)
        except Exception:
            logger.exception("%s failed", request.line)
            return plain_response(FAILED)
        size = size_of(response)
        if size > LARGEST_RESPONSE:
            sentence = TOO_LARGE.format(size=size, limit=LARGEST_RESPONSE)
            logger.error("%s failed: %s", request.line, sentence)
            return plain_response(sentence)
        return response


def application_for(
    request: Request, application: "WSGIApplication", context: object, names: dict[str, str]
) -> "WSGIApplication":
    """Return the application that apig-wsgi calls for one request. It fills `names`, for completed()."""

    def respond(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        kept = {key: environ[key] for key in environ if key.startswith("wsgi.") or key in _OF_ADAPTER}
        status, headers, body = run(application, {**kept, **request.environ(), "lambda.context": context})
        names.update((name.lower(), name) for name, _ in headers)
        start_response(status, for_adapter(headers, body))
        return [body]

    return respond


def run(
    application: "WSGIApplication", environ: "WSGIEnvironment"
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Call an application, and return its status line, headers and whole body."""
    status = ""
    headers: list[tuple[str, str]] = []
    body: list[bytes] = []

    def start_response(
        new_status: str, new_headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], object]:
        nonlocal status
        status = new_status
        headers[:] = new_headers
        return body.append

    chunks = application(environ, start_response)
    try:
        body.extend(chunks)
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return status, headers, b"".join(body)
