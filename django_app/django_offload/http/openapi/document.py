"""Find the library's views in a project's URLs, and describe them."""

import re
from collections.abc import Iterator
from inspect import getclosurevars, getdoc, isfunction
from typing import Any

from django.conf import settings
from django.contrib.admindocs.utils import (
    remove_non_capturing_groups,
    replace_metacharacters,
    replace_named_groups,
    replace_unnamed_groups,
)
from django.urls import URLPattern, get_resolver
from django.urls.converters import IntConverter, SlugConverter, StringConverter, UUIDConverter
from django.urls.resolvers import RegexPattern

from ...definition.registry import name_of
from ..access import CANCEL_PERMISSION, VIEW_PERMISSION
from ..tokens import HEADER
from ..trigger import TriggerView
from ..views import cancel_task, progress, status
from .answers import ANSWERS, FOLLOW, OF_A_FORM, OF_A_TRIGGER, OF_OPTIONS, SCHEMAS, TASK_ID, THROTTLED, Node
from .bodies import body_of

VIEWS = {status: "status", cancel_task: "cancel", progress: "progress"}
PARAMETER = re.compile(r"<(?:[^<>:]+:)?([^<>:]+)>")
# Subclasses come before the class that they are derived from.
KINDS: tuple[tuple[type, Node], ...] = (
    (IntConverter, {"type": "integer", "minimum": 0}),
    (SlugConverter, {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"}),
    (UUIDConverter, {"type": "string", "format": "uuid"}),
    (StringConverter, {"type": "string", "minLength": 1}),
)
# What makes a readable path of a regular expression, in this order, as Django's own documentation pages do.
SIMPLER = (
    remove_non_capturing_groups,
    replace_named_groups,
    replace_unnamed_groups,
    replace_metacharacters,
)
WHO = {
    "status": f"The owner, staff with {VIEW_PERMISSION}, and the bearer of a token may see it.",
    "cancel": f"The permission is {CANCEL_PERMISSION}.",
    "progress": f"The owner, staff with {VIEW_PERMISSION}, and the bearer of the piece's token may see it.",
}
# Each entry is one way to be let in.
READERS: list[Node] = [{"session": []}, {"tokenHeader": []}, {"tokenQuery": []}]
CSRF: Node = {"csrf": [], "csrfCookie": []}


def openapi_document(urlconf: str | None = None, title: str = "Tasks") -> Node:
    """
    Return the OpenAPI 3.1 document of the library's views and each TriggerView in a URLconf.

    The default is ROOT_URLCONF.

    A view with a task that only a request knows (get_task()) is described without its arguments.
    """
    paths: Node = {}
    taken: set[str] = set()
    for path, parameters, pattern in patterns(get_resolver(urlconf)):
        view_class = getattr(pattern.callback, "view_class", None)
        view = library_view(pattern.callback)
        if view is not None:
            operations = operations_of(view, VIEWS[view])
        elif isinstance(view_class, type) and issubclass(view_class, TriggerView):
            operations = trigger_operations(view_class, pattern.callback.view_initkwargs, pattern.name)
        else:
            continue
        for operation in operations.values():
            operation["operationId"] = unique(operation["operationId"], taken)
        paths[path] = operations | ({"parameters": parameters} if parameters else {})
    if not taken >= FOLLOW.keys():
        remove_links(paths)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1", "description": "Made by manage.py offload_openapi."},
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": security_schemes()},
    }


def library_view(view: Any) -> Any:
    """Return the view of the library that a URL has, also below decorators, or None."""
    while view is not None and view not in VIEWS:
        view = getattr(view, "__wrapped__", None)
    return view


def patterns(
    resolver: Any, path: str = "", given: tuple[Node, ...] = ()
) -> Iterator[tuple[str, list[Node], Any]]:
    """Yield the path, the parameters in it, and the pattern of each URL. Includes are followed."""
    for pattern in resolver.url_patterns:
        route, more = route_of(pattern.pattern)
        parameters = (*given, *more)
        if isinstance(pattern, URLPattern):
            yield f"/{(path + route).lstrip('/')}", list(parameters), pattern
        else:
            yield from patterns(pattern, path + route, parameters)


def route_of(pattern: Any) -> tuple[str, list[Node]]:
    """Return the part of a path that a pattern matches, with {names}, and its parameters."""
    text = str(pattern)
    if isinstance(pattern, RegexPattern):
        for simplified in SIMPLER:
            text = simplified(text)
    converters = getattr(pattern, "converters", {})
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": schema_of(converters.get(name))}
        for name in PARAMETER.findall(text)
    ]
    return PARAMETER.sub(r"{\1}", text), parameters


def schema_of(converter: Any) -> Node:
    if converter is not None and converter.regex == TASK_ID["pattern"][1:-1]:
        return TASK_ID
    return next((dict(node) for kind, node in KINDS if isinstance(converter, kind)), {"type": "string"})


def operations_of(view: Any, name: str) -> Node:
    """Return the operations of one of the library's views, by method."""
    summary, _, more = (getdoc(view) or "").partition("\n\n")
    operation: Node = {
        "operationId": name,
        "summary": joined(summary),
        "description": joined(f"{more} {WHO[name]}"),
        "tags": ["tasks"],
        "security": [{"session": [], **CSRF}] if name == "cancel" else READERS,
        "responses": ANSWERS[name],
    }
    operations = {}
    for method in methods_of(view):
        own = (
            operation
            if method != "HEAD"
            else operation
            | {
                "operationId": f"{name}_head",
                "summary": f"{operation['summary']} Without the body.",
                "responses": without_content(operation["responses"]),
            }
        )
        operations[method.lower()] = dict(own)
    return operations


def methods_of(view: Any) -> list[str]:
    """Return the methods that Django's decorators let through to a view."""
    while isfunction(view):
        methods = getclosurevars(view).nonlocals.get("request_method_list")
        if methods is not None:
            return list(methods)
        view = getattr(view, "__wrapped__", None)
    return ["GET", "POST"]


def trigger_operations(view_class: type[TriggerView], given: Node, name: str | None) -> Node:
    """Return the operations of a TriggerView, by method."""
    task = given.get("task", view_class.task)
    form_class = given.get("form_class", view_class.form_class)
    operation_id = name or (name_of(task).rpartition(".")[2] if task else view_class.__name__)
    answers = dict(OF_A_TRIGGER)
    if given.get("throttle", view_class.throttle) or view_class.get_wait is not TriggerView.get_wait:
        answers["429"] = THROTTLED
    start: Node = {
        "operationId": operation_id,
        "summary": f"Start the task {name_of(task)}." if task else "Start a task.",
        "tags": ["triggers"],
        "security": [{"session": [], **CSRF}, CSRF],
        "responses": dict(sorted(answers.items())),
    }
    if task:
        start["requestBody"] = body_of(task, form_class)
    form = {
        "operationId": f"{operation_id}_form",
        "summary": "Show the page that starts the task.",
        "tags": ["triggers"],
        "responses": OF_A_FORM,
    }
    head = {"operationId": f"{operation_id}_head", "responses": without_content(OF_A_FORM)}
    options = {
        "operationId": f"{operation_id}_options",
        "summary": "Return the methods that there are.",
        "responses": OF_OPTIONS,
    }
    return {"get": form, "head": form | head, "options": form | options, "post": start}


def without_content(answers: Node) -> Node:
    return {
        status: {name: node for name, node in answer.items() if name != "content"}
        for status, answer in answers.items()
    }


def remove_links(paths: Node) -> None:
    """Remove the links to a task's own URLs from a document that doesn't have them."""
    for operation in (node["post"] for node in paths.values() if "post" in node):
        accepted = operation["responses"]["202"]
        operation["responses"]["202"] = {name: node for name, node in accepted.items() if name != "links"}


def security_schemes() -> Node:
    """Return the ways in which a request says who it is."""
    return {
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.SESSION_COOKIE_NAME,
            "description": "The session of the task's owner, or of staff.",
        },
        "tokenHeader": {
            "type": "apiKey",
            "in": "header",
            "name": HEADER,
            "description": "The token in the answer that started the task.",
        },
        "tokenQuery": {"type": "apiKey", "in": "query", "name": "token", "description": "The same token."},
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-").title(),
            "description": "Django's CSRF token, as in its cookie.",
        },
        "csrfCookie": {"type": "apiKey", "in": "cookie", "name": settings.CSRF_COOKIE_NAME},
    }


def unique(name: str, taken: set[str]) -> str:
    """Return a name that no other operation has."""
    number, chosen = 1, name
    while chosen in taken:
        number += 1
        chosen = f"{name}_{number}"
    taken.add(chosen)
    return chosen


def joined(text: str) -> str:
    return " ".join(text.split())
