"""
The index of a package's modules, which is written with the package so that a start searches for none.

Python asks the file system half a dozen times for each of a start's 400 modules before it reads one. With the
index it reads one file for each, which saves a tenth of a start's time, or more if files are slow.
"""

import json
import marshal
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source
from io import FileIO
from types import CodeType, ModuleType

# Where Lambda unpacks a package.
ENV_ROOT = "LAMBDA_TASK_ROOT"
FILE = "offload_modules.json"
# Bytecode of this Python that isn't compared with its source (PEP 552).
HEADER = MAGIC_NUMBER + b"\1\0\0\0"
HEADER_BYTES = 16


def install() -> None:
    """Make imports use the package's index, if there is one."""
    root = os.environ.get(ENV_ROOT)
    if root is None or any(isinstance(finder, Finder) for finder in sys.meta_path):
        return
    try:
        with open(os.path.join(root, FILE), encoding="ascii") as file:
            listed = json.load(file)
    except FileNotFoundError:
        return
    # Built-in and frozen modules come first, as they do without an index.
    where = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
    sys.meta_path.insert(where, Finder(root, listed))


class Finder:
    """Finds the modules in the index: for each folder of the package, `packages` and other `modules`."""

    def __init__(self, root: str, listed: dict[str, dict[str, list[str]]]) -> None:
        self._places: dict[str, tuple[str, bool]] = {}
        for inside, found in listed.items():
            folder = root if inside == "." else os.path.join(root, inside)
            self._places.update(dict.fromkeys(found["packages"], (folder, True)))
            self._places.update(dict.fromkeys(found["modules"], (folder, False)))

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        place = self._places.get(name)
        if place is None:
            return None
        folder, is_package = place
        base = f"{folder}/{name.replace('.', '/')}"
        origin = f"{base}/__init__.py" if is_package else f"{base}.py"
        spec = ModuleSpec(name, Loader(name, origin), origin=origin, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [base]
        return spec


class Loader(SourceFileLoader):
    """Reads a module's bytecode. If it is missing or might be stale, does what Python does."""

    def get_code(self, fullname: str) -> CodeType | None:
        try:
            with FileIO(cache_from_source(self.path)) as file:
                found = file.readall()
        except OSError:
            found = b""
        if not found.startswith(HEADER):
            return super().get_code(fullname)
        code = marshal.loads(memoryview(found)[HEADER_BYTES:])  # noqa: S302, as Python reads it
        assert isinstance(code, CodeType)
        return code
