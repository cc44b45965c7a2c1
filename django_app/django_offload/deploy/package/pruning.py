"""Delete files that functions never read from the installed requirements."""

import ast
import csv
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from .sources import matches_any

# Only installers read these. importlib.metadata reads RECORD and top_level.txt.
_INSTALLER_FILES = {"INSTALLER", "REQUESTED", "WHEEL", "direct_url.json"}
_RECORD = "RECORD"
_ZAPPA_COMMAND_LINE = ("cli.py", "core.py", "letsencrypt.py")
# Sources of compiled modules, unused beside a module of the same name.
_SOURCES = (".c", ".cpp", ".pxd", ".pyx")
_COMPILED, _ELF = ".so", b"\x7fELF"
_STUB, _TESTS = ".pyi", "tests"
# Code that may read its package's own stubs, as lazy_loader does.
_MAY_READ_STUBS = re.compile(r"\bpyi\b|attach_stub")
# Longer texts are documentation.
_LONGEST_NAME = 200


def remove_distributions(folder: Path, names: Iterable[str]) -> None:
    """Delete these distributions, with every file that their RECORD lists."""
    unwanted = set(names)
    for info in folder.glob("*.dist-info"):
        if distribution_name(info) not in unwanted:
            continue
        for path in recorded_files(info):
            path.unlink(missing_ok=True)
        shutil.rmtree(info, ignore_errors=True)


def distribution_name(info: Path) -> str:
    """Return the normalized name of the distribution that a .dist-info folder describes."""
    return re.sub(r"[-_.]+", "-", info.name.split("-")[0]).lower()


def recorded_files(info: Path) -> Iterator[Path]:
    """Yield the files that a distribution's RECORD lists, except those outside of its folder."""
    folder = info.parent.resolve()
    for row in csv.reader((info / _RECORD).read_text(encoding="utf-8").splitlines()):
        path = (folder / row[0]).resolve()
        if path.is_relative_to(folder):
            yield path


def write_records(folder: Path) -> None:
    """
    Let each distribution's RECORD list the files that are there, without their hashes.

    importlib.metadata finds the modules and the data of a package by it.
    """
    top = folder.resolve()
    for record in sorted(folder.glob(f"*.dist-info/{_RECORD}")):
        names = {path.relative_to(top).as_posix() for path in recorded_files(record.parent) if path.is_file()}
        with record.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([name, "", ""] for name in sorted(names))


def remove_unused_files(folder: Path, exclude: Sequence[str], store: Path) -> None:
    """
    Delete caches, scripts, pip's own files, and whatever `exclude` matches. Compiled programs stay.

    Move tests, stubs and sources into `store`, from where restore() takes them back. Those of a package that
    may read them stay.
    """
    if not (folder / "bin" / "__init__.py").exists():
        remove_scripts(folder / "bin")
    for name in _ZAPPA_COMMAND_LINE:
        (folder / "zappa" / name).unlink(missing_ok=True)
    for top in sorted(folder.iterdir()):
        if matches_any(top.name, exclude):
            delete(top)
        elif top.is_dir():
            for path in _unused(top, exclude):
                target = store / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
            remove_empty_folders(top)


def remove_scripts(folder: Path) -> None:
    """Delete the scripts in `folder`, which start with a path of this machine. Compiled programs stay."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() or path.read_bytes()[: len(_ELF)] != _ELF:
            delete(path)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def restore(store: Path, folder: Path) -> list[str]:
    """Move everything in `store` back into `folder`. Return the names of the top-level packages concerned."""
    tops = sorted(path.name for path in store.iterdir()) if store.exists() else []
    for path in sorted(store.rglob("*")):
        target = folder / path.relative_to(store)
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            path.rename(target)
    return tops


def delete(path: Path) -> None:
    """Delete a file, or a folder with everything in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_matching(folder: Path, patterns: Iterable[str]) -> None:
    """Delete the paths below `folder` that match one of `patterns`, as Zappa does for "exclude_glob"."""
    for pattern in patterns:
        # Zappa skips absolute patterns too. No others lead out of the folder.
        if not Path(pattern).is_absolute() and ".." not in Path(pattern).parts:
            for path in list(folder.glob(pattern)):
                if path != folder:
                    delete(path)


def remove_empty_folders(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _unused(top: Path, exclude: Sequence[str]) -> Iterator[Path]:
    """Delete what is certainly unused in a package, and yield what most likely is."""
    paths = sorted(top.rglob("*"))
    keeps_tests = any(path.name == _TESTS and path.is_dir() for path in paths) and imports_its_tests(top)
    keeps_stubs = any(path.suffix == _STUB for path in paths) and reads_stubs(top)
    for path in paths:
        if not path.exists():  # It was in a folder that is gone.
            continue
        of_installer = path.parent.name.endswith(".dist-info") and path.name in _INSTALLER_FILES
        if of_installer or path.name == "__pycache__" or matches_any(path.name, exclude):
            delete(path)
        elif (
            (path.name == _TESTS and path.is_dir() and not keeps_tests)
            or (path.suffix == _STUB and not keeps_stubs)
            # gettext reads the compiled catalog.
            or (path.suffix == ".po" and path.with_suffix(".mo").exists())
            or (path.suffix in _SOURCES and any(path.parent.glob(f"{path.stem}.*{_COMPILED}")))
        ):
            yield path


def imports_its_tests(package: Path) -> bool:
    """
    Return True if a module that isn't a test itself names a module or folder "tests" of the package.

    Modules of other packages beside it count too.
    """
    of_package = re.compile(rf"\b{re.escape(package.name)}\.{_TESTS}\b")
    for path in package.parent.rglob("*.py"):
        if _TESTS in path.relative_to(package.parent).parts[:-1]:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if _TESTS not in text:
            continue
        if of_package.search(text) or (path.is_relative_to(package) and has_node(text, _names_tests)):
            return True
    return False


def reads_stubs(package: Path) -> bool:
    """Return True if a package may read its own .pyi files."""
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in package.rglob("*.py"))
    return any(has_node(text, _reads_stub) for text in texts if _MAY_READ_STUBS.search(text))


def has_node(text: str, is_meant: Callable[[ast.AST], bool]) -> bool:
    """Return True if a node of a module's syntax tree is meant, or if the module can't be parsed."""
    try:
        return any(map(is_meant, ast.walk(ast.parse(text))))
    except (SyntaxError, ValueError):
        return True


def _names_tests(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(_TESTS in name.name.split(".") for name in names)
        case ast.ImportFrom(module=module, names=names):
            return _TESTS in (module or "").split(".") or any(name.name == _TESTS for name in names)
        case ast.Constant(value=str(value)):
            # A name of a module, also a part of one ("{__name__}.tests"), or a path.
            return len(value) < _LONGEST_NAME and _TESTS in re.split(r"[./\\]", value)
    return False


def _reads_stub(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str(value)):
            return len(value) < _LONGEST_NAME and re.search(r"\bpyi\b", value) is not None
        case ast.alias(name="attach_stub") | ast.Attribute(attr="attach_stub"):
            return True
    return False
