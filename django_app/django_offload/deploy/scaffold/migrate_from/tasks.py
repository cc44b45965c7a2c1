"""The functions of a project that are tasks, wherever they are defined."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .reading import Source

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Decorated:
    """A function and the decorator that makes it a task."""

    function: Function
    decorator: ast.expr

    @property
    def options(self) -> dict[str, ast.expr]:
        """What the decorator is given by name."""
        if not isinstance(self.decorator, ast.Call):
            return {}
        return {one.arg: one.value for one in self.decorator.keywords if one.arg is not None}


def decorated(source: Source, decorators: Iterable[str]) -> Iterator[Decorated]:
    """Yield every function of a module that has one of the decorators."""
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                named = decorator.func if isinstance(decorator, ast.Call) else decorator
                if source.dotted(named) in set(decorators):
                    yield Decorated(function=node, decorator=decorator)


def known_tasks(found: Mapping[str, Source], decorators: Iterable[str]) -> frozenset[str]:
    """Return module and name of every task of a project."""
    return frozenset(
        f"{source.module}.{one.function.name}"
        for source in found.values()
        for one in decorated(source, decorators)
    )
