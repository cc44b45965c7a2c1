"""The index of a package's modules, which a start reads instead of looking for each of them."""

import json
from collections.abc import Iterator
from pathlib import Path

from ...worker.start.module_index import FILE

LIBRARY = ".so"


def write(folder: Path, source_root: str) -> None:
    """Write the index of the modules that are imported from `source_root` in `folder`, and from itself."""
    index: dict[str, dict[str, list[str]]] = {}
    known: set[str] = set()
    for root in dict.fromkeys([source_root, "."]):
        packages: list[str] = []
        modules: list[str] = []
        for name, is_package in _modules(folder / root):
            if name.partition(".")[0] not in known:
                (packages if is_package else modules).append(name)
        # What the first folder has, compiled or not, is never looked for in the second.
        known |= {path.name.partition(".")[0] for path in (folder / root).iterdir()}
        index[root] = {"packages": packages, "modules": modules}
    (folder / FILE).write_text(json.dumps(index, separators=(",", ":")), encoding="ascii")


def _modules(folder: Path, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the names that Python finds in a folder as source, and whether each is a package."""
    entries = sorted(folder.iterdir())
    # A compiled module goes before one of the same name in Python.
    compiled = {path.name.partition(".")[0] for path in entries if path.suffix == LIBRARY}
    packages = {path.name for path in entries if (path / "__init__.py").is_file()}
    for path in entries:
        name = path.name if path.name in packages else path.stem
        if not (name.isidentifier() and name.isascii()):
            continue
        if path.name in packages:
            # With an __init__ that is compiled, nobody but Python knows what follows.
            if not list(path.glob(f"__init__.*{LIBRARY}")):
                yield prefix + name, True
                yield from _modules(path, f"{prefix}{name}.")
        elif path.suffix == ".py" and name != "__init__" and name not in packages | compiled:
            yield prefix + name, False
