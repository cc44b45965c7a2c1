"""Read a module so that each name is known by where it comes from, whatever it is called there."""

import ast
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Names:
    """The imports and the constants of one module."""

    def __init__(self, nodes: Collection[ast.AST]) -> None:
        self._imported: dict[str, str] = {}
        bound: Counter[str] = Counter()
        for node in nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    self._imported[alias.asname or top] = alias.name if alias.asname else top
            elif isinstance(node, ast.ImportFrom):
                source = "." * node.level + (node.module or "")
                for alias in node.names:
                    self._imported[alias.asname or alias.name] = f"{source}.{alias.name}"
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound[node.id] += 1
            elif isinstance(node, ast.arg):
                bound[node.arg] += 1
        # A name that is bound once, to a literal, is that literal.
        self._constants = {
            target.id: str(ast.literal_eval(statement.value))
            for statement in nodes
            if isinstance(statement, ast.Assign) and is_text(statement.value)
            for target in statement.targets
            if isinstance(target, ast.Name) and bound[target.id] == 1
        }
        self._bound = bound
        self._paths: dict[ast.AST, str] = {}

    def path(self, node: ast.AST) -> str:
        """Return the dotted path of a name or an attribute, such as "importlib.import_module", or ""."""
        if node not in self._paths:
            self._paths[node] = self._path(node)
        return self._paths[node]

    def _path(self, node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            if node.id in self._imported:
                return self._imported[node.id]
            return "" if self._bound[node.id] else f"builtins.{node.id}"
        if isinstance(node, ast.Attribute):
            before = self.path(node.value)
            return f"{before}.{node.attr}" if before else f"?.{node.attr}"
        return ""

    def text(self, node: ast.AST | None) -> str:
        """Return the literal text of a node, or that of the constant that it names, or ""."""
        if isinstance(node, ast.Name):
            return self._constants.get(node.id, "")
        return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""

    def texts(self, node: ast.AST) -> str:
        """Return all literal parts of what a text is made of."""
        return "\0".join(filter(None, map(self.text, ast.walk(node))))

    def is_literal(self, node: ast.AST | None) -> bool:
        """Return True if the source itself has the text: a literal, or a constant."""
        return is_text(node) or (isinstance(node, ast.Name) and node.id in self._constants)


def is_text(node: ast.AST | None) -> bool:
    """Return True for a literal text or bytes."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is."""

    function: str  # Such as "Registry.resolve"; empty at the top of a module.
    lazy: bool  # True if it runs when a function is called.


def places(tree: ast.Module) -> dict[ast.AST, Place]:
    """Return the place of each node of a module."""
    found: dict[ast.AST, Place] = {}

    def visit(node: ast.AST, place: Place) -> None:
        found[node] = place
        if isinstance(node, Function | ast.ClassDef):
            name = f"{place.function}.{node.name}" if place.function else node.name
            place = Place(name, lazy=place.lazy or isinstance(node, Function))
        for child in ast.iter_child_nodes(node):
            visit(child, place)

    visit(tree, Place("", lazy=False))
    return found
