"""The scopes of a module: which name is bound where, and to what."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
Scoped = Function | ast.Lambda | ast.ClassDef | Comprehension


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that gives a name its value."""

    node: ast.AST  # An import's alias, an assigned expression, a definition, a parameter, or another node.
    dotted: str = ""  # What an import names.
    is_item: bool = False  # The name is each item of the expression in turn.


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class, function or comprehension, and the names that it binds."""

    module: str
    node: ast.AST
    parent: "Scope | None" = None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)  # The modules of `from … import *`.
    inner: dict[int, "Scope"] = field(default_factory=dict)  # Every scope of the module, by its node's id.
    outside: set[str] = field(default_factory=set)  # Names that `global` or `nonlocal` gives away.

    def bind(self, name: str, node: ast.AST, dotted: str = "", *, is_item: bool = False) -> None:
        owners = [self]
        if name in self.outside:  # Which of the scopes around it owns the name makes no difference here.
            owners = list(self.around())
        for owner in owners:
            owner.bindings.setdefault(name, []).append(Binding(node, dotted, is_item))

    def around(self) -> Iterator["Scope"]:
        scope = self.parent
        while scope is not None:
            yield scope
            scope = scope.parent

    def owner(self, name: str) -> "Scope | None":
        """Return the scope that a name refers to from here, or None if no scope of the module binds it."""
        scope: Scope | None = self
        while scope is not None:
            # A class's names can't be read from its methods.
            readable = scope is self or not isinstance(scope.node, ast.ClassDef)
            if readable and name in scope.bindings:
                return scope
            scope = scope.parent
        return None


def module_scope(tree: ast.Module, module: str, package: str) -> Scope:
    """Return the scope of a module, with all the scopes inside it."""
    top = Scope(module, tree)
    top.inner[id(tree)] = top
    ScopeBuilder(top, package).visit_body(tree)
    return top


class ScopeBuilder(ast.NodeVisitor):
    """Bind the names of one scope, and build the scopes inside it."""

    def __init__(self, scope: Scope, package: str) -> None:
        self.scope, self.package = scope, package

    def visit_body(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)

    def enter(self, node: ast.AST, children: list[ast.AST]) -> Scope:
        scope = Scope(self.scope.module, node, self.scope, inner=self.scope.inner)
        self.scope.inner[id(node)] = scope
        builder = ScopeBuilder(scope, self.package)
        if isinstance(node, Function):
            scope.outside = {name for statement in node.body for name in names_given_away(statement)}
        if isinstance(node, Function | ast.Lambda):
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            for argument in (*every, arguments.vararg, arguments.kwarg):
                if argument is not None:
                    scope.bind(argument.arg, argument)
        for child in children:
            builder.visit(child)
        return scope

    def visit_function(self, node: Function) -> None:
        self.scope.bind(node.name, node)
        for child in (*node.decorator_list, *defaults(node.args), *annotations(node)):
            self.visit(child)
        self.enter(node, list(node.body))

    visit_FunctionDef = visit_AsyncFunctionDef = visit_function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for child in defaults(node.args):
            self.visit(child)
        self.enter(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.scope.bind(node.name, node)
        for child in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(child)
        self.enter(node, list(node.body))

    def visit_Comprehension(self, node: Comprehension) -> None:
        # Everything but the first iterable belongs to the scope of the comprehension.
        self.enter(node, list(ast.iter_child_nodes(node)))

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_Comprehension

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.scope.bind(alias.asname or top, alias, alias.name if alias.asname else top)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = imported_module(node, self.package)
        for alias in node.names:
            if alias.name == "*":
                self.scope.stars.append(base)
            else:
                self.scope.bind(alias.asname or alias.name, alias, f"{base}.{alias.name}")

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self.bind_target(target, node.value)
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.bind_target(node.target, node.value or node.annotation)
        for child in (node.annotation, node.value):
            if child is not None:
                self.visit(child)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.scope.bind(node.target.id, node)
        self.visit(node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.scope.bind(node.target.id, node.value)
        self.visit_body(node)

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):  # In `with`, `del` and the like.
            self.scope.bind(node.id, node)

    def visit_For(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        if isinstance(node.target, ast.Name):
            self.scope.bind(node.target.id, node.iter, is_item=True)
        for child in ast.iter_child_nodes(node):
            if not (child is node.target and isinstance(child, ast.Name)):
                self.visit(child)

    visit_AsyncFor = visit_comprehension = visit_For

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.scope.bind(node.name, node)
        self.visit_body(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        if node.name:
            self.scope.bind(node.name, node)
        self.visit_body(node)

    def bind_target(self, target: ast.expr, value: ast.expr) -> None:
        """Bind the names of an assignment's target, each to its own part of the value if there is one."""
        if isinstance(target, ast.Name):
            self.scope.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
            if len(values) == len(target.elts):
                for element, part in zip(target.elts, values, strict=True):
                    self.bind_target(element, part)
            else:
                self.visit(target)
        else:
            self.visit(target)


def names_given_away(node: ast.AST) -> Iterator[str]:
    """Yield the names of every `global` and `nonlocal` in a statement, but not in expressions."""
    if isinstance(node, ast.Global | ast.Nonlocal):
        yield from node.names
    elif isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.expr):
                yield from names_given_away(child)


def imported_module(node: ast.ImportFrom, package: str) -> str:
    """Return the module that a `from … import` names, from a module of this package."""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1] if node.level else []
    return ".".join([*above, *([node.module] if node.module else [])])


def defaults(arguments: ast.arguments) -> Iterator[ast.expr]:
    yield from arguments.defaults
    yield from (default for default in arguments.kw_defaults if default is not None)


def annotations(node: Function) -> Iterator[ast.expr]:
    arguments = node.args
    every = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    yield from (argument.annotation for argument in every if argument and argument.annotation)
    if node.returns is not None:
        yield node.returns
