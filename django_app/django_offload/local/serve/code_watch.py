"""The project's own code, watched for changes by those who run it in other processes."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

# As often as Django's own reloader looks.
LOOK_SECONDS = 1.0
# More than this is no project's folder: a home directory, or the whole disk.
MOST_FILES = 20_000
_OTHERS = {"__pycache__", "node_modules", "site-packages"}

Changed = Callable[[list[Path]], object]


class Code:
    """
    The Python files below some folders, and the templates.

    Django's reloader knows the modules of its own process; here others import them, later.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        found = [Path(root) for root in roots]
        self.roots = [root for root in found if not any(other in root.parents for other in found)]
        self._known = self._look()

    def __len__(self) -> int:
        return len(self._known)

    @property
    def too_much(self) -> bool:
        """Whether there are so many files that looking at each of them is out of the question."""
        return len(self._known) > MOST_FILES

    def changed(self) -> list[Path]:
        """Return what was changed, added or removed since the last call."""
        before, self._known = self._known, self._look()
        return sorted({Path(path) for path, _ in before.items() ^ self._known.items()})

    def watch(self, stop: threading.Event, changed: Changed, every_seconds: float = LOOK_SECONDS) -> None:
        """Tell `changed` what has changed, until `stop`."""
        while not stop.wait(every_seconds):
            found = self.changed()
            if found:
                changed(found)

    def _look(self) -> dict[str, int]:
        known: dict[str, int] = {}
        for root in self.roots:
            for entry in _files(str(root)):
                known[entry.path] = entry.stat().st_mtime_ns
                if len(known) > MOST_FILES:
                    return known
        return known


def _files(folder: str, templates: bool = False) -> Iterator["os.DirEntry[str]"]:
    """Yield the source files below a folder, but for environments, caches and what is hidden."""
    try:
        entries = list(os.scandir(folder))
    except OSError:  # Removed meanwhile, or not ours to read.
        return
    if any(entry.name == "pyvenv.cfg" for entry in entries):
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _OTHERS:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, templates or entry.name == "templates")
        elif (templates or entry.name.endswith(".py")) and entry.is_file():
            yield entry
