"""Ask git which files of a project it tracks, and which it ignores."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..errors import PackageFailed

# Hooks set these variables for the repository that they belong to, which may be another one.
_OF_ANOTHER_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
# Tools write hooks into a folder that was never a repository.
_OF_NO_REPOSITORY = {"hooks"}
# The mode of an entry that is a commit of another repository, such as a submodule.
_COMMIT = "160000"
_SKIP_WORKTREE = "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """What git tracks below a folder."""

    paths: list[PurePosixPath] = field(default_factory=list)  # Also folders of repositories without files.
    # Git was told to overlook changes of these, such as one's own values in shared settings.
    overlooked: list[PurePosixPath] = field(default_factory=list)
    unmerged: list[PurePosixPath] = field(default_factory=list)  # They have conflicts.


def find_repository(root: Path) -> Path | None:
    """
    Return the folder of the repository that contains `root`, or None if there is none.

    This looks for .git itself, because a git that fails doesn't show whether there is a repository.
    """
    resolved = root.resolve()
    found = next((folder for folder in (resolved, *resolved.parents) if _is_repository(folder)), None)
    return resolved if found is None and "GIT_DIR" in os.environ else found


def list_tracked(root: Path) -> Tracked | None:
    """
    Return what git tracks below `root`, or None without a repository.

    The files of submodules and of other repositories that git tracks belong to it. Raise PackageFailed as
    list_files() does.
    """
    if find_repository(root) is None:
        return None
    tracked = Tracked()
    _add_tracked(tracked, root, PurePosixPath())
    return tracked


def list_files(root: Path, *options: str) -> list[PurePosixPath] | None:
    """
    Return the files below `root` that `git ls-files` lists, or None without a repository.

    Raise PackageFailed, with git's words, if there is a repository and git can't be asked. Without its list,
    files that git ignores would be packaged.
    """
    if find_repository(root) is None:
        return None
    return [PurePosixPath(name) for name in _ls_files(root, *options)]


def _add_tracked(tracked: Tracked, root: Path, prefix: PurePosixPath) -> None:
    for entry in _ls_files(root, "--cached", "--stage", "-v"):
        facts, _, name = entry.partition("\t")
        tag, mode, _, stage = facts.split(" ")
        path = prefix / name
        # Git itself leaves out, without a word, a submodule whose own repository it doesn't find.
        if mode == _COMMIT and _is_repository(root / name):
            _add_tracked(tracked, root / name, path)
            continue
        if stage != "0":
            tracked.unmerged.append(path)
        if tag == _SKIP_WORKTREE or tag.islower():
            tracked.overlooked.append(path)
        tracked.paths.append(path)


def _ls_files(root: Path, *options: str) -> Iterator[str]:
    repository = find_repository(root) or root
    environ = dict(os.environ)
    if _is_repository(repository):
        for name in _OF_ANOTHER_REPOSITORY:
            environ.pop(name, None)
        # If this repository is broken, git must not take one that contains it.
        environ["GIT_CEILING_DIRECTORIES"] = str(repository.parent)
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
    return (os.fsdecode(name) for name in process.stdout.split(b"\0") if name)


def _is_repository(folder: Path) -> bool:
    """Return True if `folder` has a .git with something of a repository in it, even if it is broken."""
    if not os.path.lexists(folder / ".git"):
        return False
    try:
        return not _OF_NO_REPOSITORY.issuperset(os.listdir(folder / ".git"))
    except OSError:
        # A worktree and a submodule have a file instead. It may also be a link that leads to nothing, or a
        # folder that this user can't read.
        return True


def _failure(repository: Path, problem: str) -> PackageFailed:
    return PackageFailed(
        f"{repository} is a git repository, but {problem.rstrip('.')}. Only git can tell which files it "
        "ignores, such as secrets and data.",
        "Install git, or do what it says. Or build from a copy that holds no other files and no .git.",
    )
