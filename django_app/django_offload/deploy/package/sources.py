"""Which files of the project are packaged: its code and what the code reads, and nothing that is a secret."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ..errors import PackageFailed

# Beside the code, at the top of a project: nothing there is read at run time.
NOT_AT_THE_TOP = {"build", "dist", "docs", "env", "infra", "staticfiles", "media", "venv"}
NOWHERE = {"__pycache__", "node_modules", "site-packages", "tests"}
NOT_NAMED = {
    *("conftest.py", "tests.py", "requirements.in", "requirements.lock", "requirements.txt"),
    *("credentials", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"),
}
# Bytecode is made anew; keys, databases and .env files are secrets or data; the rest is for readers.
NOT_ENDING = (
    *(".pyc", ".pyo", ".pyi", ".po", ".pot", ".md", ".rst", ".log"),
    *(".env", ".jks", ".key", ".kdbx", ".keystore", ".p12", ".pem", ".pfx", ".ppk"),
    *(".db", ".sqlite", ".sqlite3", ".sqlite3-journal", ".sqlite3-shm", ".sqlite3-wal"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which files of a project are packaged, and what of it is not."""

    taken: tuple[PurePosixPath, ...]
    left: Mapping[str, int]  # Counted by their ending, or the folder that keeps them out.
    ignored: tuple[str, ...] = ()  # What git does not track and is told to ignore; folders whole.


def project_files(root: Path, include: Sequence[str] = ()) -> Choice:
    """
    Return the files of the project at `root` that belong into the package, sorted.

    Of a git repository these are tracked files alone: what was never added cannot leak. Files that fit a
    pattern of `include`, such as "shop/certificates/*.pem", belong to it in any case. Raise PackageFailed
    if there are none.
    """
    listed = _listed(root)
    asked = {path for path in _walked(root) if fits(path, include)} if include else set()
    found = {path for path in listed if wanted(path)} | asked
    taken = {path for path in found if (root / path).is_file()}
    if not taken:
        raise PackageFailed(
            f"{root} has no files to package.", "Run it in the project's folder, or add the files to git."
        )
    left = Counter(_kind(path) for path in listed if len(path.parts) > 1 and path not in taken)
    return Choice(
        taken=tuple(sorted(taken)), left=dict(left.most_common()), ignored=tuple(_ignored(root, include))
    )


def fits(path: PurePosixPath, patterns: Sequence[str]) -> bool:
    """Return whether a file, named from the project's folder, fits one of `patterns`."""
    return any(fnmatchcase(path.as_posix(), pattern) for pattern in patterns)


def _kind(path: PurePosixPath) -> str:
    """Return what a file that is left out is counted as."""
    folder = next((part for part in path.parts[:-1] if part in NOWHERE or part.startswith(".")), None)
    if folder is None and path.parts[0] in NOT_AT_THE_TOP:
        folder = path.parts[0]
    return f"{folder}/" if folder else path.suffix or path.name


def _ignored(root: Path, include: Sequence[str]) -> Iterator[str]:
    """Yield what git ignores though it may be part of the site, such as what a build has made."""
    told: set[PurePosixPath] = set()
    # git names a folder, and again a folder in it that a line of .gitignore names.
    for path in sorted(_git(root, "--others", "--ignored", "--exclude-standard", "--directory") or ()):
        parts, folder = path.parts, root / path
        hidden = any(part.startswith(".") or part in NOWHERE or part.endswith(".egg-info") for part in parts)
        usual = len(parts) == 1 or parts[0] in NOT_AT_THE_TOP or path.name.endswith(NOT_ENDING)
        asked = any(pattern.startswith(path.as_posix()) for pattern in include)
        known = not told.isdisjoint(path.parents)
        if not (hidden or usual or asked or known or (folder / "pyvenv.cfg").exists()):
            told.add(path)
            yield f"{path}/" if folder.is_dir() else str(path)


def untracked_modules(root: Path) -> list[PurePosixPath]:
    """Return the modules that git neither tracks nor ignores: they stay out, which may surprise."""
    said = _git(root, "--others", "--exclude-standard")
    return [] if said is None else [path for path in said if path.suffix == ".py" and wanted(path)]


def wanted(path: PurePosixPath) -> bool:
    """Return whether a file, named from the project's folder, belongs into the package."""
    folders, name = path.parts[:-1], path.name.lower()
    if not folders:
        return path.suffix == ".py" and name not in NOT_NAMED
    return not (
        any(part.startswith(".") for part in path.parts)
        or folders[0] in NOT_AT_THE_TOP
        or NOWHERE.intersection(folders)
        or name in NOT_NAMED
        or name.endswith(NOT_ENDING)
        or (name.startswith("test_") and name.endswith(".py"))
    )


def _listed(root: Path) -> list[PurePosixPath]:
    tracked = _git(root, "--cached")
    return list(_walked(root)) if tracked is None else tracked


def _git(root: Path, *which: str) -> list[PurePosixPath] | None:
    """Return what git lists below `root`; None where this is no repository, or there is no git."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", *which],  # noqa: S607 - the developer's own git
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    if listed.returncode != 0:
        return None
    return [PurePosixPath(name) for name in listed.stdout.split("\0") if name]


def _walked(root: Path) -> Iterator[PurePosixPath]:
    for folder, folders, names in os.walk(root):
        # An environment inside the project, however it is named.
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not (Path(folder, name) / "pyvenv.cfg").exists()
        ]
        for name in names:
            yield PurePosixPath(Path(folder, name).relative_to(root).as_posix())
