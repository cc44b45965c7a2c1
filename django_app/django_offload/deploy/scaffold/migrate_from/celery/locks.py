"""Locks that tasks take by hand, so that one runs at a time."""

import ast
import re

from .scopes import Scope

# What a client of Redis, or a cache, is called.
_CLIENT = re.compile(r"redis|cache|conn|client|lock", re.IGNORECASE)


def is_lock(call: ast.Call, scope: Scope) -> bool:
    """Return True for cache.add(…), redis.lock("…"), redis.setnx(…) and redis.set(…, nx=True)."""
    function = call.func
    if not isinstance(function, ast.Attribute):
        return False
    method, names = function.attr, [*names_in(function.value, scope)]
    if method == "add":
        return any(name.startswith("django.core.cache") for name in names)
    if not any(_CLIENT.search(name) for name in names):
        return False
    if method == "set":
        return any(keyword.arg == "nx" for keyword in call.keywords)
    return method == "setnx" or (method in {"lock", "Lock"} and bool(call.args or call.keywords))


def names_in(node: ast.expr, scope: Scope) -> list[str]:
    """Return the names that an expression is made of, and what is imported under the first of them."""
    names: list[str] = []
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        owner = scope.owner(node.id)
        names += [node.id, *(binding.dotted for binding in (owner.bindings[node.id] if owner else ()))]
    return names
