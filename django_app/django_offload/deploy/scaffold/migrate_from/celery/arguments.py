"""Whether an argument or a return value is surely JSON, surely not, or unknown."""

import ast
from math import isfinite

from .scopes import Function, Scope

_JSON_TYPES = frozenset({"bool", "int", "str"})  # A float may be NaN, which isn't JSON.
_JSON_CALLS = _JSON_TYPES | {"ascii", "bin", "chr", "hex", "len", "ord", "repr"}
_JSON_METHODS = frozenset(
    {
        *(
            "capitalize",
            "casefold",
            "format",
            "hex",
            "isoformat",
            "join",
            "lower",
            "lstrip",
            "replace",
            "rstrip",
        ),
        *("strftime", "strip", "timestamp", "title", "total_seconds", "upper"),
    }
)
# Calls whose value JSON doesn't know, though Celery's own does.
_OTHER_VALUES = frozenset(
    {
        *("Decimal", "date", "datetime", "frozenset", "now", "set", "time", "timedelta", "today", "utcnow"),
        *("uuid1", "uuid4", "uuid5", "UUID", "localtime", "localdate"),
    }
)
_MODEL_METHODS = frozenset(
    {
        *("create", "get", "first", "last", "latest", "earliest", "get_or_create", "update_or_create", "all"),
        *("filter", "exclude", "order_by", "select_related", "prefetch_related", "acreate", "aget"),
    }
)
_MODEL_GETTERS = frozenset(
    {"get_object_or_404", "aget_object_or_404", "get_object", "get_user", "get_queryset"}
)


def argument_problem(node: ast.expr, scope: Scope) -> str:
    """Return "model" or "value" if an argument is surely a model's instance or no JSON, else ""."""
    if isinstance(node, ast.Name):
        return name_problem(node.id, scope)
    if isinstance(node, ast.Attribute):
        is_user = node.attr in {"user", "instance"} and isinstance(node.value, ast.Name)
        return "model" if is_user and isinstance(node.ctx, ast.Load) else ""
    if isinstance(node, ast.Set | ast.SetComp | ast.Lambda):
        return "value"
    if isinstance(node, ast.Call):
        return call_problem(node)
    if isinstance(node, ast.List | ast.Tuple):
        return next(filter(None, (argument_problem(element, scope) for element in node.elts)), "")
    if isinstance(node, ast.Dict):
        return next(filter(None, (argument_problem(value, scope) for value in node.values)), "")
    return ""


def call_problem(node: ast.Call) -> str:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _OTHER_VALUES:
        return "value"
    if name in _MODEL_GETTERS:
        return "model"
    if isinstance(function, ast.Attribute) and name in _MODEL_METHODS and ".objects" in ast.unparse(function):
        return "model"
    return ""


def name_problem(name: str, scope: Scope) -> str:
    owner = scope.owner(name)
    for binding in owner.bindings[name] if owner else ():
        if isinstance(binding.node, ast.Call):
            problem = call_problem(binding.node)
            if problem:
                return problem
        if isinstance(binding.node, ast.arg) and owner is not None:
            return parameter_problem(binding.node, owner)
    return ""


def parameter_problem(argument: ast.arg, scope: Scope) -> str:
    """Return "model" for the instance of a signal's receiver, and for self in a class of models."""
    if argument.arg == "instance" and isinstance(scope.node, Function):
        return "model"
    parent = scope.parent.node if scope.parent else None
    if argument.arg == "self" and isinstance(parent, ast.ClassDef):
        bases = [ast.unparse(base) for base in parent.bases]
        return "model" if any("Model" in base and "Admin" not in base for base in bases) else ""
    return ""


def is_json(node: ast.expr | None, scope: Scope, depth: int = 0) -> bool:
    """Return True if an expression is surely JSON: numbers, text, lists and dictionaries of those."""
    match node:
        case None:
            return True
        case ast.Constant():
            is_finite = not isinstance(node.value, float) or isfinite(node.value)
            return is_finite and not isinstance(node.value, bytes | complex) and node.value is not ...
        case ast.JoinedStr():
            return True
        case ast.Compare():  # The other operators can return anything, such as a query.
            return all(isinstance(operator, ast.Is | ast.IsNot | ast.In | ast.NotIn) for operator in node.ops)
        case ast.List() | ast.Tuple():
            return all(is_json(element, scope, depth) for element in node.elts)
        case ast.Dict():
            keys = all(isinstance(key, ast.Constant) and isinstance(key.value, str) for key in node.keys)
            return keys and all(is_json(value, scope, depth) for value in node.values)
        case ast.UnaryOp():
            return isinstance(node.op, ast.Not) or is_json(node.operand, scope, depth)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Mod() | ast.FloorDiv() | ast.Div()):
            return is_json(node.left, scope, depth) and is_json(node.right, scope, depth)
        case ast.BoolOp():
            return all(is_json(value, scope, depth) for value in node.values)
        case ast.IfExp():
            return is_json(node.body, scope, depth) and is_json(node.orelse, scope, depth)
        case ast.Call(func=ast.Name(id=name)):
            return name in _JSON_CALLS and scope.owner(name) is None
        case ast.Call(func=ast.Attribute(attr=method, value=owner)):
            return method in _JSON_METHODS and isinstance(owner, ast.Constant | ast.JoinedStr)
        case ast.Name():
            return depth < 4 and is_json_name(node.id, scope, depth)
    return False


def is_json_name(name: str, scope: Scope, depth: int) -> bool:
    """Return True if every value of a name is surely JSON."""
    owner = scope.owner(name)
    if owner is None or len(owner.bindings[name]) != 1:
        return False
    (binding,) = owner.bindings[name]
    node = binding.node
    if binding.is_item:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return node.func.id == "range" and owner.owner("range") is None
        items = node.elts if isinstance(node, ast.List | ast.Tuple) else [None]
        return all(isinstance(item, ast.Constant) and is_json(item, owner) for item in items)
    if isinstance(node, ast.arg):
        return is_json_annotation(node.annotation)
    if binding.dotted or not isinstance(node, ast.expr) or isinstance(node, ast.List | ast.Dict):
        return False  # A list or dictionary may have changed since.
    return is_json(node, owner, depth + 1)


def is_json_annotation(annotation: ast.expr | None) -> bool:
    """Return True for int, str and the like, also if None is possible or a list holds them."""
    match annotation:
        case ast.Name(id=name):
            return name in _JSON_TYPES
        case ast.Constant(value=None):
            return True
        case ast.BinOp(op=ast.BitOr()):
            return is_json_annotation(annotation.left) and is_json_annotation(annotation.right)
        case ast.Subscript(value=ast.Name(id="list")):
            return is_json_annotation(annotation.slice)
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[ast.Name(id="str"), value])):
            return is_json_annotation(value)
    return False
