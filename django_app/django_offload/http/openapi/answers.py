"""The answers of each view, and the schemas of what is in them."""

from typing import Any

from ...protocol.enqueued_task import ID_PATTERN
from ..tokens import HEADER

type Node = dict[str, Any]

JSON, HTML = "application/json", "text/html"
INSTANT: Node = {"type": ["string", "null"], "format": "date-time"}
NUMBER_OR_NULL: Node = {"type": ["number", "null"]}
TASK_ID: Node = {"type": "string", "pattern": f"^{ID_PATTERN}$", "minLength": 32, "maxLength": 32}

SCHEMAS: Node = {
    "Status": {
        "type": "object",
        "description": "The status of a task.",
        "properties": {
            "id": TASK_ID | {"description": "The id of the task."},
            "task": {"type": "string", "description": "The name of the task."},
            "queue": {"type": "string", "description": "The queue that the task was enqueued on."},
            "status": {"type": "string", "enum": ["READY", "RUNNING", "SUCCESSFUL", "FAILED"]},
            "attempts": {"type": "integer", "minimum": 0, "description": "How many attempts have begun."},
            "progress": {
                "description": "What the running task reported last.",
                "anyOf": [{"$ref": "#/components/schemas/Progress"}, {"type": "null"}],
            },
            "enqueued_at": INSTANT | {"description": "When the task was enqueued."},
            "started_at": INSTANT | {"description": "When the first attempt began."},
            "finished_at": INSTANT | {"description": "When the task ended."},
            "run_after": INSTANT | {"description": "The time before which the task doesn't start."},
            "metadata": {"type": "object", "description": "The task's metadata, only if it has any."},
            "return_value": {"description": "What the task returned, only if it was SUCCESSFUL."},
            "error": {"$ref": "#/components/schemas/TaskError"},
            "duplicate_of": TASK_ID
            | {"description": "The id of the task that does the work, only if this one is its duplicate."},
        },
        "required": [
            *("id", "task", "queue", "status", "attempts", "progress"),
            *("enqueued_at", "started_at", "finished_at", "run_after"),
        ],
        "additionalProperties": False,
    },
    "State": {
        "type": "object",
        "description": "The state alone, for staff who may cancel a task, but not view it.",
        "properties": {
            "id": TASK_ID | {"description": "The id of the task."},
            "status": {"type": "string", "enum": ["READY", "RUNNING", "SUCCESSFUL", "FAILED"]},
        },
        "required": ["id", "status"],
        "additionalProperties": False,
    },
    "Progress": {
        "type": "object",
        "properties": {
            "done": NUMBER_OR_NULL,
            "total": NUMBER_OR_NULL,
            "message": {"type": ["string", "null"]},
        },
    },
    "TaskError": {
        "type": "object",
        "description": "The last error, only if the task has FAILED.",
        "properties": {
            "class": {"type": "string", "description": "The path of the exception's class."},
            "message": {"type": "string", "description": "Its text, empty for those who may not read it."},
            "traceback": {"type": "string", "description": "The traceback, for staff only."},
        },
        "required": ["class", "message"],
        "additionalProperties": False,
    },
    "Errors": {
        "type": "object",
        "description": "The errors of each field. Those of the request as a whole are in `__all__`.",
        "properties": {
            "errors": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "properties": {"message": {"type": "string"}, "code": {"type": "string"}},
                        "required": ["message", "code"],
                        "additionalProperties": False,
                    },
                },
            }
        },
        "required": ["errors"],
        "additionalProperties": False,
    },
}
SECONDS: Node = {"type": "integer", "minimum": 0}
# By name, with True for those that each of the answers has.
HEADERS: dict[str, tuple[Node, bool]] = {
    "ETag": ({"schema": {"type": "string"}, "description": "Send it back as If-None-Match."}, True),
    "Allow": ({"schema": {"type": "string"}, "description": "The methods that there are."}, True),
    "Location": (
        {
            "schema": {"type": "string", "format": "uri-reference"},
            "description": "The task's status, with a token that reads it for 24 hours.",
        },
        True,
    ),
    HEADER: (
        {"schema": {"type": "string"}, "description": "The same token, for this header of a request."},
        True,
    ),
    "Retry-After": ({"schema": SECONDS, "description": "Seconds to wait before the next request."}, True),
    "Cache-Control": ({"schema": {"type": "string"}, "description": "It is always private."}, True),
    "HX-Trigger": (
        {"schema": {"type": "string"}, "description": "For htmx: the event, with the seconds to wait."},
        True,
    ),
}
STATUS: Node = {JSON: {"schema": {"$ref": "#/components/schemas/Status"}}}
STATUS_OR_STATE: Node = {
    JSON: {"schema": {"anyOf": [STATUS[JSON]["schema"], {"$ref": "#/components/schemas/State"}]}}
}
ERRORS: Node = {JSON: {"schema": {"$ref": "#/components/schemas/Errors"}}}
PAGE: Node = {HTML: {"schema": {"type": "string"}}}


def answer(description: str, *headers: str, content: Node | None = None, **more: Any) -> Node:
    """Return one answer. A header whose name ends with ? may be missing."""
    node: Node = {"description": description}
    if headers:
        node["headers"] = {
            name.rstrip("?"): HEADERS[name.rstrip("?")][0]
            | ({} if name.endswith("?") else {"required": True})
            for name in headers
        }
    if content:
        node["content"] = content
    return node | more


# Django's own answers. A project may have pages of its own for them. Those that a middleware gives, before
# any view, are pages, and lack the headers that the library's views set.
MALFORMED = answer("The request is malformed.", "Cache-Control?", content=ERRORS | PAGE)
NOT_FOUND = answer("There is no such task, or the request may not see it.", "Cache-Control", content=PAGE)
FORBIDDEN_BY_CSRF = answer("The CSRF token is missing or wrong.", "Cache-Control?", content=PAGE)
NO_AWS = answer(
    "AWS doesn't answer. Nothing is lost. Try again.", "Retry-After", "Cache-Control", content=ERRORS | PAGE
)
NOT_CHANGED = answer("The client already has this answer.", "ETag", "Cache-Control", "Retry-After?")
OF_A_READ = ("ETag", "Cache-Control", "Retry-After?")

# By the name of the URL in django_offload.urls.
ANSWERS: dict[str, Node] = {
    "status": {
        "200": answer("The status.", *OF_A_READ, content=STATUS),
        "304": NOT_CHANGED,
        "400": MALFORMED,
        "404": NOT_FOUND,
        "503": NO_AWS,
    },
    "cancel": {
        "202": answer(
            "The task is cancelled, or will be asked to stop.", "Cache-Control", content=STATUS_OR_STATE
        ),
        "400": MALFORMED,
        "403": FORBIDDEN_BY_CSRF,
        "404": NOT_FOUND,
        "409": answer("The task has already ended.", "Cache-Control", content=STATUS_OR_STATE),
        "503": NO_AWS,
    },
    "progress": {
        "200": answer("The piece of a page, or a page for a browser.", *OF_A_READ, content=PAGE),
        "304": NOT_CHANGED,
        "400": MALFORMED,
        "404": NOT_FOUND,
        "503": NO_AWS,
    },
}
# The session or the token of the answer lets the client follow the task.
FOLLOW: Node = {
    name: {"operationId": name, "parameters": {"task_id": "$response.body#/id"}}
    for name in (*ANSWERS, "status_head", "progress_head")
}
OF_A_TRIGGER: Node = {
    "202": answer(
        "The task is enqueued. Its status is in the body.",
        *("Location", HEADER, "Retry-After", "Cache-Control"),
        content=STATUS | PAGE,
        links=FOLLOW,
    ),
    "400": answer(
        "The arguments are wrong, or the request is malformed.", "Cache-Control?", content=ERRORS | PAGE
    ),
    "403": answer(
        "The CSRF token is missing or wrong, or permission is.", "Cache-Control?", content=ERRORS | PAGE
    ),
    "503": answer(
        "AWS doesn't answer. The task may have been enqueued all the same.",
        *("Retry-After", "Cache-Control"),
        content=ERRORS | PAGE,
    ),
}
THROTTLED = answer(
    "There were too many requests. Nothing was enqueued.",
    *("Retry-After", "Cache-Control", "HX-Trigger?"),
    content=ERRORS | PAGE,
)
FORBIDDEN = answer("The request has no permission.", "Cache-Control", content=ERRORS | PAGE)
OF_A_FORM: Node = {
    "200": answer("A page with the form.", "Cache-Control", content=PAGE),
    "400": MALFORMED,
    "403": FORBIDDEN,
}
OF_OPTIONS: Node = {
    "200": answer("The methods that there are.", "Allow", "Cache-Control"),
    "400": MALFORMED,
    "403": FORBIDDEN,
}
