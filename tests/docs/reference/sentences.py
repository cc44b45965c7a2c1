"""The sentence of an entry, as it stands in the code: in a comment beside or above it, or in a docstring."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).resolve().parents[3] / "django_app" / "django_offload"
# Long enough to say something, and to its end.
SENTENCE = re.compile(r"(?:[A-Z`{…]|django_offload).{10,}[.!?…}]", re.DOTALL)


@cache
def lines_of(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text().splitlines())


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def modules() -> list[Path]:
    """Return every module of the library that it runs itself; handlers are files of projects."""
    return [path for path in sorted(LIBRARY.rglob("*.py")) if "handlers" not in path.parts]


def comment_at(path: Path, line: int) -> str:
    """Return the comment above a line, which may have several lines, or else the one at its end."""
    lines = lines_of(path)
    above: list[str] = []
    for text in reversed(lines[: line - 1]):
        if not text.strip().startswith("# "):
            break
        above.insert(0, text.strip().removeprefix("# "))
    if above:
        return " ".join(above)
    # No text of these lines has this within quotes.
    return lines[line - 1].partition("  # ")[2].strip()


def comments_of_fields(of: type) -> dict[str, str]:
    """Return the comment of each field of a class, by its name."""
    path = Path(inspect.getsourcefile(of) or "")
    (found,) = [
        node for node in tree_of(path).body if isinstance(node, ast.ClassDef) and node.name == of.__name__
    ]
    return {
        node.target.id: comment_at(path, node.lineno)
        for node in found.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def docstring(of: object) -> str:
    """Return the first paragraph of a docstring."""
    return " ".join((inspect.getdoc(of) or "").partition("\n\n")[0].split())


def constants(path: Path) -> Iterator[tuple[str, ast.expr, int]]:
    """Yield each constant of a module: its name, its value and its line."""
    for node in tree_of(path).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value, node.lineno
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for target, value in zip(names, values, strict=True):
                    yield ast.unparse(target), value, node.lineno
