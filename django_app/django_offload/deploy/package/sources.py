"""Select the project's files to package: its code and what the code reads, but no secrets."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ..errors import PackageFailed

# Folders at the top of a project. The site reads nothing in them at run time.
TOP_FOLDERS_LEFT_OUT = {"build", "dist", "docs", "env", "infra", "staticfiles", "media", "venv"}
FOLDERS_LEFT_OUT = {"__pycache__", "node_modules", "site-packages", "tests"}
NAMES_LEFT_OUT = {
    *("conftest.py", "tests.py", "requirements.in", "requirements.lock", "requirements.txt"),
    *("credentials", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"),
}
# Bytecode is compiled again. Keys, databases and .env files are secrets or data. People read the rest.
ENDINGS_LEFT_OUT = (
    *(".pyc", ".pyo", ".pyi", ".po", ".pot", ".md", ".rst", ".log"),
    *(".env", ".jks", ".key", ".kdbx", ".keystore", ".p12", ".pem", ".pfx", ".ppk"),
    *(".db", ".sqlite", ".sqlite3", ".sqlite3-journal", ".sqlite3-shm", ".sqlite3-wal"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSelection:
    """The files of a project that are packaged, and those that aren't."""

    packaged: tuple[PurePosixPath, ...]
    left_out: Mapping[str, int]  # How many files, by their ending or by the folder that excludes them.
    ignored: tuple[str, ...] = ()  # Files and whole folders that git ignores.


def select_files(root: Path, include: Sequence[str] = ()) -> FileSelection:
    """
    Return the files of the project at `root` to package, sorted.

    In a git repository only tracked files are packaged, so that a file that was never added can't leak.
    Files that match a pattern of `include`, such as "shop/certificates/*.pem", are always packaged. Raise
    PackageFailed if there are no files.
    """
    tracked = _git_files(root, "--cached")
    files = list(_walk_files(root)) if tracked is None else tracked
    included = {path for path in _walk_files(root) if is_included(path, include)} if include else set()
    selected = {path for path in files if is_site_file(path)} | included
    packaged = {path for path in selected if (root / path).is_file()}
    if not packaged:
        raise PackageFailed(
            f"{root} has no files to package.",
            "Run the command in the project's folder, or add the files to git.",
        )
    left_out = Counter(kind_left_out(path) for path in files if len(path.parts) > 1 and path not in packaged)
    return FileSelection(
        packaged=tuple(sorted(packaged)),
        left_out=dict(left_out.most_common()),
        ignored=tuple(ignored_files(root, include)),
    )


def is_included(path: PurePosixPath, patterns: Sequence[str]) -> bool:
    """Return True if a path, relative to the project's folder, matches one of `patterns`."""
    return any(fnmatchcase(path.as_posix(), pattern) for pattern in patterns)


def is_site_file(path: PurePosixPath) -> bool:
    """Return True if a path, relative to the project's folder, is code or something that code reads."""
    folders, name = path.parts[:-1], path.name.lower()
    if not folders:
        return path.suffix == ".py" and name not in NAMES_LEFT_OUT
    return not (
        any(part.startswith(".") for part in path.parts)
        or folders[0] in TOP_FOLDERS_LEFT_OUT
        or FOLDERS_LEFT_OUT.intersection(folders)
        or name in NAMES_LEFT_OUT
        or name.endswith(ENDINGS_LEFT_OUT)
        or (name.startswith("test_") and name.endswith(".py"))
    )


def kind_left_out(path: PurePosixPath) -> str:
    """Return the folder that excludes a path, or else its ending or name."""
    folders = path.parts[:-1]
    folder = next((part for part in folders if part in FOLDERS_LEFT_OUT or part.startswith(".")), None)
    if folder is None and path.parts[0] in TOP_FOLDERS_LEFT_OUT:
        folder = path.parts[0]
    return f"{folder}/" if folder else path.suffix or path.name


def ignored_files(root: Path, include: Sequence[str]) -> Iterator[str]:
    """Yield what git ignores although it may be part of the site, such as the output of a build."""
    yielded: set[PurePosixPath] = set()
    # git lists a folder, and again each folder in it that .gitignore names separately.
    for path in sorted(_git_files(root, "--others", "--ignored", "--exclude-standard", "--directory") or ()):
        parts, folder = path.parts, root / path
        hidden = any(
            part.startswith(".") or part in FOLDERS_LEFT_OUT or part.endswith(".egg-info") for part in parts
        )
        usual = len(parts) == 1 or parts[0] in TOP_FOLDERS_LEFT_OUT or path.name.endswith(ENDINGS_LEFT_OUT)
        included = any(pattern.startswith(path.as_posix()) for pattern in include)
        inside_yielded = not yielded.isdisjoint(path.parents)
        if not (hidden or usual or included or inside_yielded or (folder / "pyvenv.cfg").exists()):
            yielded.add(path)
            yield f"{path}/" if folder.is_dir() else str(path)


def untracked_modules(root: Path) -> list[PurePosixPath]:
    """Return the modules that git neither tracks nor ignores. It may surprise that they aren't packaged."""
    untracked = _git_files(root, "--others", "--exclude-standard") or []
    return [path for path in untracked if path.suffix == ".py" and is_site_file(path)]


def _git_files(root: Path, *options: str) -> list[PurePosixPath] | None:
    """Return the files that git lists below `root`, or None without a repository or without git."""
    try:
        process = subprocess.run(
            ["git", "ls-files", "-z", *options],  # noqa: S607 - the developer's own git
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    if process.returncode != 0:
        return None
    return [PurePosixPath(name) for name in process.stdout.split("\0") if name]


def _walk_files(root: Path) -> Iterator[PurePosixPath]:
    """Yield every file below `root`, except in hidden folders and virtual environments."""
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not (Path(folder, name) / "pyvenv.cfg").exists()
        ]
        for name in names:
            yield PurePosixPath(Path(folder, name).relative_to(root).as_posix())
