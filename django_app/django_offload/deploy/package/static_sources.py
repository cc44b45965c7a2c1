"""
Decide which files become static files, wherever on this machine the settings look for them.

The program that collects the static files imports this module.
"""

import os
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from . import git

# Folders of installed packages. Git ignores them where they are inside of a project, but they are no secrets.
_OF_PACKAGES = {"site-packages", "dist-packages"}


class StaticSources:
    """
    The files that may be collected.

    In the project's folder `root` these are the files that are `packaged`. Settings may lead there by a path
    that doesn't start at the settings' own folder. In another repository they are the files that git tracks.
    """

    def __init__(self, root: Path, packaged: Collection[str]) -> None:
        self._root, self._packaged = root.resolve(), frozenset(packaged)
        self.left_out: dict[str, None] = {}  # Paths, in the order in which they were met.

    def accept(self, path: Path, copy: Path) -> bool:
        """Return True if `path` may be collected. `copy` is the folder of the package itself."""
        path = path.resolve()
        if any(path.is_relative_to(folder) for folder in (copy, *installed_folders())):
            return True
        if path.is_relative_to(self._root):
            shown = path.relative_to(self._root).as_posix()
            accepted = shown in self._packaged
        else:
            shown = str(path)
            accepted = is_tracked(path)
        if not accepted:
            self.left_out[shown] = None
        return accepted

    def restrict(self, finders: Any, copy: Path) -> None:
        """Let each of Django's finders list and find only the files that are accepted."""
        for finder in finders:
            finder.list = self._accepted(finder.list, copy)
            finder.find = self._found(finder.find, copy)

    def _accepted(self, list_files: Any, copy: Path) -> Any:
        def accepted(ignore_patterns: Any) -> Iterator[tuple[str, Any]]:
            for name, storage in list_files(ignore_patterns):
                try:
                    path = Path(storage.path(name))
                except NotImplementedError:  # Not on this machine.
                    yield name, storage
                    continue
                if self.accept(path, copy):
                    yield name, storage

        return accepted

    def _found(self, find: Any, copy: Path) -> Any:
        def found(*arguments: Any, **options: Any) -> Any:
            result = find(*arguments, **options)
            if isinstance(result, list):
                return [path for path in result if self.accept(Path(path), copy)]
            return result if result and self.accept(Path(result), copy) else []

        return found


@cache
def installed_folders() -> tuple[Path, ...]:
    """Return the folders of this Python's installed packages."""
    return tuple(Path(path).resolve() for path in sys.path if Path(path).name in _OF_PACKAGES)


def is_tracked(path: Path) -> bool:
    """Return True if git tracks a file, or if it is in no repository."""
    repository = git.find_repository(path.parent)
    if repository is None or not os.path.lexists(repository / ".git"):
        return True  # GIT_DIR names a repository of another folder.
    return path.relative_to(repository).as_posix() in _tracked(repository)


@cache
def _tracked(repository: Path) -> frozenset[str]:
    tracked = git.list_tracked(repository)
    return frozenset(str(path) for path in tracked.paths) if tracked else frozenset()
