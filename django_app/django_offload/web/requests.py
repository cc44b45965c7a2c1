"""Which events are HTTP requests, and what the application may believe about each of them."""

from base64 import b64decode
from codecs import lookup
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

from django.utils.http import parse_header_parameters

from ..conf import decodes_text
from ..exceptions import UnknownEvent

ACCEPTED = "HTTP requests of API Gateway or of a function URL"
# An authorizer's event and a WebSocket's have the keys of an HTTP request, and some of these.
OF_AUTHORIZERS = ("type", "methodArn", "routeArn")
OF_OTHERS = ("elb", "connectionId", "eventType")
# The stage of function URLs, and of HTTP APIs whose paths begin with no stage.
NO_STAGE = "$default"
# The port of every function URL and API.
HTTPS_PORT = "443"
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a stage's settings say about requests and responses."""

    stage: str = ""  # The API's stage, which is the first part of each path at the API's own address.
    base_path: str = ""  # The first part of each path at a custom domain.
    domain: str = ""  # The custom domain, if there is one.
    headers_from_context: Mapping[str, str] = field(default_factory=dict)  # Path in the context, by header.
    text_types: tuple[str, ...] = ()  # More content types, or their beginnings, that are sent as text.


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request: what all events have in common."""

    event: Mapping[str, Any]
    method: str
    path: str  # Percent-encoded.
    query: str
    headers: Mapping[str, str]  # By lower-case name.
    client_address: str  # As AWS saw it.
    script_name: str
    remote_user: str  # As an authorizer or IAM names it, or "".
    authorizer: Mapping[str, Any] | None
    is_version_2: bool

    @property
    def line(self) -> str:
        """Method and path for a log, without the query, which may have a secret."""
        return f"{self.method} {quote(utf8(self.path), safe=_PATH_CHARACTERS)}"

    def as_event(self) -> dict[str, Any]:
        """Return the event that apig-wsgi gets: only what it reads, and nothing that environ() replaces."""
        body = {"body": self.event.get("body"), "isBase64Encoded": self.event.get("isBase64Encoded")}
        if not self.is_version_2:
            # The empty multiValueHeaders make apig-wsgi return each value of a header.
            return {**body, "path": "", "httpMethod": self.method, "multiValueHeaders": {}}
        http = {"method": self.method, "sourceIp": self.client_address, "protocol": "HTTP/1.1"}
        return {
            **body,
            "version": "2.0",
            "rawPath": "",
            "rawQueryString": "",
            "headers": {},
            "requestContext": {"http": http},
        }

    def environ(self) -> dict[str, Any]:
        """Return the WSGI variables of the request line, the headers and the client."""
        host = self.headers.get("host", "")
        environ: dict[str, Any] = {
            "REMOTE_ADDR": self.client_address,
            "SCRIPT_NAME": wsgi_text(self.script_name),
            "PATH_INFO": unquote_to_bytes(utf8(self.path)).decode("latin-1"),
            "QUERY_STRING": wsgi_text(self.query),
            "SERVER_NAME": host or "lambda",
            "SERVER_PORT": HTTPS_PORT,
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "https",
            "HTTPS": "on",
            "lambda.event": self.event,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key == "CONTENT_TYPE":
                environ[key] = header_text(value)
            elif key != "CONTENT_LENGTH":  # apig-wsgi counts the body.
                environ[f"HTTP_{key}"] = header_text(value)
        if self.authorizer:
            environ["API_GATEWAY_AUTHORIZER"] = self.authorizer
        if self.remote_user:
            environ["REMOTE_USER"] = self.remote_user
        return environ


def has_readable_charset(content_type: str) -> bool:
    """Return True unless Django would raise for the charset of a request. It ignores an unknown charset."""
    try:
        charset = parse_header_parameters(content_type)[1].get("charset")
    except ValueError:
        return True  # Django refuses it itself.
    try:
        return charset is None or decodes_text(lookup(charset).name)
    except LookupError:
        return True
    except ValueError:  # A null character.
        return False


def read_request(event: object, site: Site) -> Request:
    """Return the HTTP request in an event. Raise UnknownEvent if it is anything else."""
    try:
        if not isinstance(event, Mapping) or any(key in event for key in OF_AUTHORIZERS):
            raise TypeError("no HTTP request")
        context = mapping(event["requestContext"])
        if any(key in context for key in OF_OTHERS):
            raise TypeError("no HTTP request of an API")
        check_body(event.get("body"), event.get("isBase64Encoded"))
        version = event.get("version", "1.0")
        if version == "2.0":
            return version_2(event, context, site)
        if version == "1.0":
            return version_1(event, context, site)
        raise ValueError("an unknown version")
    except (KeyError, TypeError, ValueError) as exc:
        raise UnknownEvent("web", ACCEPTED) from exc


def check_body(body: object, is_base64: object) -> None:
    """Raise TypeError or ValueError if the adapter couldn't read a body, which no API sends."""
    if is_base64 is not None and type(is_base64) is not bool:
        raise TypeError("no flag")
    if body is None:
        return
    if is_base64:
        b64decode(text(body), validate=True)
    else:
        text(body).encode()


def version_1(event: Mapping[str, Any], context: Mapping[str, Any], site: Site) -> Request:
    """Return the request in an event of a REST API, or of an HTTP API with payload format 1.0."""
    method, path = method_of(event["httpMethod"]), text(event["path"])
    identity = mapping(context.get("identity") or {})
    headers = allowed_headers(values_of(event), context, site)
    authorizer = mapping(context.get("authorizer") or {})
    host = headers.get("host")
    # Only at the API's own address does a path begin with the stage, which the event's path leaves out.
    at_own_address = "amazonaws.com" in host if host else not site.domain
    script_name = f"/{site.stage}" if at_own_address and site.stage else ""
    if site.base_path:
        script_name, path = without_base_path(site.base_path, path)
    single = mapping(event.get("queryStringParameters") or {})
    multiple = mapping(event.get("multiValueQueryStringParameters") or {})
    return Request(
        event=event,
        method=method,
        path=path,
        query=urlencode(multiple or single, doseq=True, errors="replace"),
        headers=headers,
        client_address=text(identity.get("sourceIp") or ""),
        script_name=script_name,
        remote_user=text((authorizer.get("principalId") if authorizer else identity.get("userArn")) or ""),
        authorizer=authorizer or None,
        is_version_2=False,
    )


def version_2(event: Mapping[str, Any], context: Mapping[str, Any], site: Site) -> Request:
    """Return the request in an event of an HTTP API or of a function URL."""
    http = mapping(context["http"])
    method, path = method_of(http["method"]), text(event["rawPath"])
    values = values_of(event)
    cookies = [text(cookie) for cookie in event.get("cookies") or ()]
    if cookies:
        # The same cookies may be among the headers too.
        values = [(name, value) for name, value in values if name != "cookie"]
        values.append(("cookie", "; ".join(cookies)))
    authorizer = mapping(context.get("authorizer") or {})
    stage = text(context.get("stage") or NO_STAGE)
    script_name = ""
    if site.base_path:
        script_name, path = without_base_path(site.base_path, path)
    elif stage != NO_STAGE:
        script_name, path = split_prefix(f"/{stage}", path)
    return Request(
        event=event,
        method=method,
        path=path,
        query=text(event.get("rawQueryString") or ""),
        headers=allowed_headers(values, context, site),
        client_address=text(http.get("sourceIp") or ""),
        script_name=script_name,
        remote_user=text(
            mapping(authorizer.get("lambda") or {}).get("principalId")
            or mapping(authorizer.get("iam") or {}).get("userArn")
            or ""
        ),
        authorizer=authorizer or None,
        is_version_2=True,
    )


def values_of(event: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each value of each header, with its name in lower case. Raise TypeError for other things."""
    single = mapping(event.get("headers") or {})
    multiple = mapping(event.get("multiValueHeaders") or {})
    named = {name: [value] for name, value in single.items()} | {
        name: list(values) for name, values in multiple.items()
    }
    return [(text(name).lower(), text(value)) for name, values in named.items() for value in values]


def allowed_headers(values: list[tuple[str, str]], context: Mapping[str, Any], site: Site) -> dict[str, str]:
    """
    Return the headers that the application may see.

    A name with an underscore would stand for the one with a hyphen, and a header that the stage takes from
    the event's context never comes from the client.
    """
    mapped = {name.lower().replace("_", "-"): path for name, path in site.headers_from_context.items()}
    headers: dict[str, str] = {}
    for name, value in values:
        # Upper case makes ASCII of some other letters.
        if "_" in name or not name.isascii() or name in mapped:
            continue
        separator = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value
    headers.update(context_headers(mapped, context))
    return headers


def context_headers(mapped: Mapping[str, str], context: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the headers whose values are in the event's context, at paths such as authorizer.claims.sub."""
    for name, path in mapped.items():
        value: Any = context
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            yield name, str(value)


def without_base_path(base_path: str, path: str) -> tuple[str, str]:
    """Return SCRIPT_NAME and the rest of the path at a domain whose paths begin with `base_path`."""
    return f"/{base_path}", split_prefix(f"/{base_path}", path)[1]


def split_prefix(prefix: str, path: str) -> tuple[str, str]:
    """Return `prefix` and the rest, or an empty prefix if the path doesn't begin with that part."""
    if path == prefix or path.startswith(f"{prefix}/"):
        return prefix, path[len(prefix) :]
    return "", path


def method_of(value: object) -> str:
    method = text(value)
    if not (method.isascii() and method.replace("-", "").isalpha()):
        raise ValueError("no method")
    return method


def text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("no object")
    return value


def utf8(value: str) -> bytes:
    return value.encode("utf-8", "replace")


def wsgi_text(value: str) -> str:
    """Return the text as WSGI wants it: each character stands for one byte of UTF-8."""
    return utf8(value).decode("latin-1")


def header_text(value: str) -> str:
    """Return a header's value as WSGI wants it. Unless it has other characters, it already is."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return wsgi_text(value)
    return value
