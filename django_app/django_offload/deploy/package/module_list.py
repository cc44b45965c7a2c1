"""Write the index of the package's modules, so that a start doesn't search the folders for each of them."""

import json
from collections.abc import Iterator
from pathlib import Path

from ...worker.start.module_index import FILE

LIBRARY = ".so"


def write(folder: Path, source_root: str) -> None:
    """Write the index of the modules that are imported from `folder` and from `source_root` in it."""
    index: dict[str, dict[str, list[str]]] = {}
    seen: set[str] = set()
    for root in dict.fromkeys([source_root, "."]):
        packages: list[str] = []
        modules: list[str] = []
        for name, is_package in importable_modules(folder / root):
            if name.partition(".")[0] not in seen:
                (packages if is_package else modules).append(name)
        # Python finds these names in the first folder, compiled or not, and doesn't look in the second.
        seen |= {path.name.partition(".")[0] for path in (folder / root).iterdir()}
        index[root] = {"packages": packages, "modules": modules}
    (folder / FILE).write_text(json.dumps(index, separators=(",", ":")), encoding="ascii")


def importable_modules(folder: Path, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the name of each module that Python imports from source, and True if it is a package."""
    entries = sorted(folder.iterdir())
    # Python prefers a compiled module to a source file of the same name.
    compiled = {path.name.partition(".")[0] for path in entries if path.suffix == LIBRARY}
    packages = {path.name for path in entries if (path / "__init__.py").is_file()}
    for path in entries:
        name = path.name if path.name in packages else path.stem
        if not (name.isidentifier() and name.isascii()):
            continue
        if path.name in packages:
            # A compiled __init__ may change where Python looks for the package's modules.
            if not list(path.glob(f"__init__.*{LIBRARY}")):
                yield prefix + name, True
                yield from importable_modules(path, f"{prefix}{name}.")
        elif path.suffix == ".py" and name != "__init__" and name not in packages | compiled:
            yield prefix + name, False
