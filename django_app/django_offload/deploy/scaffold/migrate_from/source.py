"""A project's modules, parsed but never imported, and what the names in them refer to."""

import ast
import io
import os
import tokenize
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# These folders hold no code of the project, and neither do hidden ones.
_FOLDERS_LEFT_OUT = {"__pycache__", "lambdas", "node_modules", "site-packages"}
# These usually don't. The report names them, because a project may have a package of this name.
_FOLDERS_NAMED = {"build", "dist", "env", "venv"}
# Python code that people write is far shorter.
LARGEST_FILE = 1_000_000

Seen = Callable[[Path], object]


@dataclass(frozen=True, slots=True, order=True)
class Unread:
    """A file or folder that wasn't read, and why."""

    path: Path
    reason: str
    may_run: bool = False  # True if Python could import it all the same.


TOO_DEEP = "is nested too deeply"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One module."""

    path: Path
    module: str  # Its name in an import.
    text: str
    tree: ast.Module
    is_editable: bool = True  # False if its encoding isn't plain UTF-8, as a diff needs it.

    @property
    def package(self) -> str:
        """The package that the module's relative imports start from."""
        return self.module if self.path.stem == "__init__" else self.module.rpartition(".")[0]

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The dotted path of each imported or top-level name."""
        defined: list[str] = []
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                defined.append(node.name)
            elif isinstance(node, ast.Assign):
                defined += [target.id for target in node.targets if isinstance(target, ast.Name)]
        names = {name: f"{self.module}.{name}" for name in defined}
        return names | dict(imported_names(self.tree, self.package))

    def dotted(self, node: ast.AST) -> str:
        """Return the dotted path that a name or attribute refers to, or an empty string if unknown."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, "")
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""


class TooLarge(ValueError):
    """A file is larger than code that people write."""


def read_sources(root: Path, folder: Path, unread: list[Unread], seen: Seen) -> Iterator[Source]:
    """
    Yield every module below `root` that can be parsed, and add what can't be to `unread`.

    Modules inside of `folder` are imported from there, others from `root`. `seen` is called with each file.
    """
    modules: dict[str, Path] = {}
    for path in project_files(root, unread):
        seen(path)
        if path.suffix != ".py":
            continue
        try:
            text, is_editable = read_code(path)
            inside = folder if path.is_relative_to(folder) else root
            source = parse_source(path, inside, text, is_editable=is_editable)
        except (SyntaxError, ValueError, OSError, RecursionError, MemoryError) as exc:
            may_run = isinstance(exc, TooLarge | RecursionError | MemoryError)
            unread.append(Unread(path, reason_of(exc), may_run=may_run))
            continue
        if (path.with_suffix("") / "__init__.py").exists():
            unread.append(Unread(path, "is hidden by the package of the same name"))
            continue
        other = modules.setdefault(source.module, path)
        if other != path:
            reason = f"has the same module name as {other.relative_to(root).as_posix()}"
            unread.append(Unread(path, reason, may_run=True))
            continue
        yield source


def project_files(root: Path, unread: list[Unread]) -> Iterator[Path]:
    """Yield every file of the project in a fixed order. Add the folders that are left out by name."""
    for folder, folders, files in os.walk(root):
        left_out = {name for name in folders if name in _FOLDERS_NAMED or is_environment(Path(folder, name))}
        unread += [
            Unread(Path(folder, name), "usually holds no code of a project") for name in sorted(left_out)
        ]
        folders[:] = sorted(
            name
            for name in folders
            if name not in left_out and name not in _FOLDERS_LEFT_OUT and not name.startswith(".")
        )
        yield from (Path(folder, name) for name in sorted(files))


def is_environment(folder: Path) -> bool:
    """Return True for a virtual environment of any name."""
    return (folder / "pyvenv.cfg").exists()


def read_code(path: Path) -> tuple[str, bool]:
    """
    Return the text of a module, and whether a diff can change it.

    Raise TooLarge if it is too large, and ValueError if it isn't text or names an unknown encoding.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise TooLarge(f"is larger than {LARGEST_FILE:,} bytes")
    content = path.read_bytes()
    if b"\0" in content:
        raise ValueError("is not text")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    except SyntaxError as exc:
        raise ValueError("is not text in UTF-8, or names an unknown encoding") from exc
    try:
        return content.decode(encoding), encoding in {"utf-8", "ascii"}
    except UnicodeDecodeError as exc:
        raise ValueError(f"is not text in {encoding}") from exc


def reason_of(exc: BaseException) -> str:
    """Return why a file can't be read, in words that follow its name."""
    if isinstance(exc, SyntaxError):
        place = f"line {exc.lineno}: " if exc.lineno else ""
        return f"can't be parsed ({place}{exc.msg}); it may be code of Python 2 or a template"
    if isinstance(exc, OSError):
        return f"can't be read ({exc.strerror or exc})"
    return str(exc) if isinstance(exc, ValueError) else TOO_DEEP


def parse_source(path: Path, folder: Path, text: str, *, is_editable: bool = True) -> Source:
    """Return the module at `path` as it would be with `text`. Raise SyntaxError if it can't be parsed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of invalid escapes and the like, which are the project's.
        tree = ast.parse(text)
    parts = path.relative_to(folder).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(path=path, module=module, text=text, tree=tree, is_editable=is_editable)


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
