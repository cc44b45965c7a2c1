"""What pages use: URLs, the fields of a status, template tags."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django_offload import urls
from django_offload.http import views
from django_offload.operations import status
from django_offload.templatetags import offload
from tests.docs.reference.entry import Entry
from tests.docs.reference.sentences import comment_at, docstring, tree_of

METHODS = {"require_safe": "GET", "require_POST": "POST", "require_GET": "GET"}
ROUTE = re.compile(r"<(?:\w+:)?(\w+)>")


def endpoints() -> list[Entry]:
    return [
        Entry(
            name=f"{method(pattern.callback)} /tasks/{ROUTE.sub('<id>', str(pattern.pattern))}",
            facts=(f"`{urls.app_name}:{pattern.name}`",),
            sentence=docstring(pattern.callback),
            place=f"views.{pattern.callback.__name__}",
        )
        for pattern in urls.urlpatterns
    ]


def method(view: Any) -> str:
    """Return the method that a view's decorator requires."""
    (function,) = [
        node
        for node in tree_of(Path(views.__file__)).body
        if isinstance(node, ast.FunctionDef) and node.name == view.__name__
    ]
    names = [ast.unparse(decorator) for decorator in function.decorator_list]
    return next((METHODS[name] for name in names if name in METHODS), "GET, POST")


def status_fields() -> list[Entry]:
    """Return an entry for each key that status_fields() puts into a status."""
    path = Path(status.__file__)
    (function,) = [
        node
        for node in tree_of(path).body
        if isinstance(node, ast.FunctionDef) and node.name == status.status_fields.__name__
    ]
    return [
        Entry(name=name, sentence=comment_at(path, line), place=f"{path.name}:{line}")
        for name, line in sorted(keys(function), key=lambda key: key[1])
    ]


def keys(function: ast.FunctionDef) -> Iterator[tuple[str, int]]:
    for node in ast.walk(function):
        match node:
            case ast.AnnAssign(value=ast.Dict() as value):
                yield from of_dictionary(value, "")
            case ast.Assign(targets=[ast.Subscript() as target], value=value):
                name = path_of(target)
                yield name, node.lineno
                if isinstance(value, ast.Dict):
                    yield from of_dictionary(value, f"{name}.")


def of_dictionary(value: ast.Dict, prefix: str) -> Iterator[tuple[str, int]]:
    for key in value.keys:
        if isinstance(key, ast.Constant):
            yield f"{prefix}{key.value}", key.lineno


def path_of(target: ast.expr) -> str:
    """Return status["error"]["class"] as error.class."""
    match target:
        case ast.Subscript(value=value, slice=ast.Constant(value=key)):
            return f"{path_of(value)}.{key}".lstrip(".")
    return ""


def tags() -> list[Entry]:
    """Return an entry for each template tag, and for each of its arguments."""
    return [entry for name in offload.register.tags for entry in tag(name)]


def tag(name: str) -> Iterator[Entry]:
    function = inspect.unwrap(getattr(offload, name))
    text = inspect.getdoc(function) or ""
    yield Entry(name=f"{{% {name} result %}}", sentence=docstring(function), place=name)
    for argument, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            default = repr(parameter.default).replace("'", '"')
            items = [item for item in text.split("\n- ")[1:] if f"`{argument}`" in item]
            sentence = " ".join((items or [""])[0].partition("\n\n")[0].split())
            yield Entry(name=f"{argument}={default}", sentence=sentence, place=f"{name}, {argument}")
