"""A project's modules, read and never imported, and what the names in them mean."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..changes import read

# Folders that hold no code of the project's own; so does every folder whose name begins with a dot.
_FOREIGN = {
    "__pycache__",
    "build",
    "dist",
    "env",
    "lambdas",
    "migrations",
    "node_modules",
    "site-packages",
    "venv",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One module."""

    path: Path
    module: str  # As it is imported.
    text: str
    tree: ast.Module
    names: Mapping[str, str]  # What is imported or defined at the top, by its name in the module.

    def dotted(self, node: ast.AST) -> str:
        """Return what a name or an attribute of one means, as module and name; empty if unknown."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""


def sources(folder: Path) -> Iterator[Source]:
    """Yield every module of the project that can be parsed."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts[:-1]
        if any(part in _FOREIGN or part.startswith(".") for part in parts):
            continue
        try:
            text = read(path)
            if text is not None:
                yield parsed(path, folder, text)
        except (SyntaxError, UnicodeDecodeError):
            continue  # Of another Python, or no Python at all: nothing that runs here.


def parsed(path: Path, folder: Path, text: str) -> Source:
    """Return a module as it would be with `text`. Raise SyntaxError if that is none."""
    tree = ast.parse(text)
    parts = list(path.relative_to(folder).with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    package = module if is_package else module.rpartition(".")[0]
    names = {**_defined(tree, module), **{local: origin for _, local, origin in imported(tree, package)}}
    return Source(path=path, module=module, text=text, tree=tree, names=names)


def imported(tree: ast.Module, package: str) -> Iterator[tuple[ast.alias, str, str]]:
    """Yield what is imported anywhere in a module, its name there, and what it means."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield alias, alias.asname or top, alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield alias, alias.asname or alias.name, f"{base}.{alias.name}"


def _defined(tree: ast.Module, module: str) -> dict[str, str]:
    """Return what a module defines at its top."""
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return {name: f"{module}.{name}" for name in found}
