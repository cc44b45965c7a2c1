"""A project's modules, parsed but never imported, and what the names in them refer to."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..file_change import read_text

# These folders hold no code of the project, and neither do hidden ones.
_FOLDERS_LEFT_OUT = {
    *("__pycache__", "build", "dist", "env", "lambdas", "migrations"),
    *("node_modules", "site-packages", "venv"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One module."""

    path: Path
    module: str  # Its name in an import.
    text: str
    tree: ast.Module
    names: Mapping[str, str]  # The dotted path of each imported or top-level name.

    def dotted(self, node: ast.AST) -> str:
        """Return the dotted path that a name or attribute refers to, or an empty string if unknown."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""


def read_sources(folder: Path) -> Iterator[Source]:
    """Yield every module of the project that can be parsed."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder).parts[:-1]
        if any(part in _FOLDERS_LEFT_OUT or part.startswith(".") for part in parts):
            continue
        try:
            text = read_text(path)
            if text is not None:
                yield parse_source(path, folder, text)
        except (SyntaxError, UnicodeDecodeError):
            continue  # It is for another Python, or not Python at all, so it doesn't run here.


def parse_source(path: Path, folder: Path, text: str) -> Source:
    """Return the module at `path` as it would be with `text`. Raise SyntaxError if it can't be parsed."""
    tree = ast.parse(text)
    parts = list(path.relative_to(folder).with_suffix("").parts)
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    package = module if is_package else module.rpartition(".")[0]
    defined: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            defined.append(node.name)
        elif isinstance(node, ast.Assign):
            defined += [target.id for target in node.targets if isinstance(target, ast.Name)]
    names = {name: f"{module}.{name}" for name in defined}
    return Source(
        path=path, module=module, text=text, tree=tree, names=names | dict(imported_names(tree, package))
    )


def imported_names(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    """Yield each name that is imported anywhere in a module, with the dotted path that it refers to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield alias.asname or top, alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield alias.asname or alias.name, f"{base}.{alias.name}"
