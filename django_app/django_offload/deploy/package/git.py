"""Ask git which files of a project it tracks, and which it ignores."""

import os
import subprocess
from pathlib import Path, PurePosixPath

from ..errors import PackageFailed

# Hooks set these variables for the repository that they belong to, which may be another one.
_OF_ANOTHER_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
# A worktree and a submodule have a file instead. A folder with nothing but hooks isn't a repository.
_OF_A_REPOSITORY = ("HEAD", "config", "index", "objects", "refs")


def find_repository(root: Path) -> Path | None:
    """
    Return the folder of the repository that contains `root`, or None if there is none.

    This looks for .git itself, because a git that fails doesn't show whether there is a repository.
    """
    resolved = root.resolve()
    found = next((folder for folder in (resolved, *resolved.parents) if _is_repository(folder)), None)
    return resolved if found is None and "GIT_DIR" in os.environ else found


def list_files(root: Path, *options: str) -> list[PurePosixPath] | None:
    """
    Return the files below `root` that `git ls-files` lists, or None without a repository.

    Raise PackageFailed, with git's words, if there is a repository and git can't be asked. Without its list,
    files that git ignores would be packaged.
    """
    repository = find_repository(root)
    if repository is None:
        return None
    environ = dict(os.environ)
    if _is_repository(repository):
        for name in _OF_ANOTHER_REPOSITORY:
            environ.pop(name, None)
    try:
        process = subprocess.run(
            ["git", "ls-files", "-z", *options],  # noqa: S607 - the developer's own git
            cwd=root,
            env=environ,
            capture_output=True,
            check=False,
        )
    except OSError as exc:
        raise _failure(repository, f"git can't be started ({exc.strerror})") from exc
    if process.returncode != 0:
        words = " ".join(process.stderr.decode(errors="replace").split())
        raise _failure(repository, f"git failed: {words or f'exit code {process.returncode}'}")
    return [PurePosixPath(os.fsdecode(name)) for name in process.stdout.split(b"\0") if name]


def _is_repository(folder: Path) -> bool:
    """Return True if `folder` has a .git with something of a repository in it, even if it is broken."""
    inside = folder / ".git"
    return inside.is_file() or any((inside / name).exists() for name in _OF_A_REPOSITORY)


def _failure(repository: Path, problem: str) -> PackageFailed:
    return PackageFailed(
        f"{repository} is a git repository, but {problem.rstrip('.')}. Only git can tell which files it "
        "ignores, such as secrets and data.",
        "Install git, or do what it says. Or build from a copy that holds no other files and no .git.",
    )
