"""Files named tasks.py that define tasks, and that no worker imports."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.apps import apps

from ...conf import configured

# A task module imports a decorator from here …
IMPORTS = re.compile(r"^\s*(?:from|import)\s+(?:django_offload|django\.tasks|django_tasks)\b", re.MULTILINE)
# … and uses it.
DECORATES = re.compile(r"^\s*@(?:\w+\.)*task\b|\btask\(", re.MULTILINE)
# An app is at most this many folders below the folder that modules are imported from.
DEEPEST = 2
# Folders without apps of the project, besides hidden ones and environments of Python.
OTHERS = {"node_modules", "site-packages", "test", "tests", "__pycache__"}


class TaskFile(NamedTuple):
    """A file that defines tasks, and the app that it would belong to."""

    path: Path
    app: str  # As INSTALLED_APPS would name it.


def unknown_task_files(source: Path) -> list[TaskFile]:
    """Return the files that define tasks, and that neither INSTALLED_APPS nor OPTIONS["modules"] names."""
    known = {Path(config.path).resolve() for config in apps.get_app_configs()}
    modules = {name for options in configured().values() for name in options.modules}
    files = [(folder, path) for folder in folders(source, DEEPEST) for path in task_modules(folder)]
    return [
        TaskFile(path, app)
        for folder, path in files
        if folder.resolve() not in known
        and f"{(app := import_name(folder, source))}.tasks" not in modules
        and defines_tasks(path)
    ]


def folders(parent: Path, depth: int) -> Iterator[Path]:
    """Yield the folders below another one that may be apps."""
    for folder in sorted(parent.iterdir()):
        if (
            folder.is_dir()
            and folder.name.isidentifier()
            and folder.name not in OTHERS
            and not (folder / "pyvenv.cfg").exists()
        ):
            yield folder
            if depth > 1:
                yield from folders(folder, depth - 1)


def task_modules(folder: Path) -> Iterator[Path]:
    for name in ("tasks.py", "tasks/__init__.py"):
        if (folder / name).is_file():
            yield folder / name


def import_name(folder: Path, source: Path) -> str:
    """Return the name of a folder's package, from the nearest folder above it that modules come from."""
    roots = {source, *(Path(entry).resolve() for entry in sys.path if entry)}
    root = next((parent for parent in folder.parents if parent in roots), source)
    return ".".join(folder.relative_to(root).parts)


def defines_tasks(path: Path) -> bool:
    """Return True if a file imports a decorator of tasks and uses it. It isn't imported to find out."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return bool(IMPORTS.search(text) and DECORATES.search(text))
