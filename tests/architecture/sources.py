"""What the rules read: the repository's files, and the functions and imports inside its modules."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE_ROOT = ROOT / "django_app"
LIBRARY = SOURCE_ROOT / "django_offload"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One import statement's target and whether it runs when its module is imported."""

    name: str
    line: int
    lazy: bool


def tracked() -> list[Path]:
    """Return every file that git tracks and the checkout holds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def modules(*folders: Path) -> list[Path]:
    """Return every Python file below `folders`."""
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def shown(path: Path) -> str:
    """Return the path as seen from the repository's root."""
    return path.relative_to(ROOT).as_posix()


def length(path: Path) -> int:
    """Return the number of lines of a file."""
    return len(path.read_text().splitlines())


@cache
def tree(path: Path) -> ast.Module:
    """Return the parsed module."""
    return ast.parse(path.read_text(), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Yield every function of a module, methods and inner functions too."""
    yield from (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def imports(path: Path) -> Iterator[Import]:
    """Yield every absolute import of a module. What only a type checker reads counts as lazy."""
    yield from _imports(tree(path), lazy=False)


def _imports(parent: ast.AST, *, lazy: bool) -> Iterator[Import]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield Import(node.module or "", node.lineno, lazy)
        yield from _imports(node, lazy=lazy or isinstance(node, Function | ast.Lambda) or _is_for_types(node))


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
