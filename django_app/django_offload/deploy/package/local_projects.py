"""Copy the projects on this disk that the requirements name, so that they are built from what git tracks."""

import os
import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from ..errors import PackageFailed
from . import git

# A build makes these in the project's folder, or people don't expect them to be built in.
_USUAL_ENDINGS = (".pyc", ".egg-info", ".git", "__pycache__", ".DS_Store")
_USUAL_FOLDERS = {"build", "dist", "env", "node_modules", "venv"}


class LocalProjects:
    """
    Copies of projects, made in `folder`.

    A build backend takes files that git ignores, and what an earlier build left in the folder. So a project
    in a git repository is built from a copy. The copy is of the whole repository, because a project may use
    its other folders, and the backend may ask git for the version.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies: dict[Path, Path] = {}  # By the folder of the repository.
        self.left_out: list[str] = []  # What git doesn't track in the projects themselves.

    def source(self, project: Path) -> Path:
        """
        Return the folder to build a project from: a copy, or the project itself if it is in no repository.

        An archive is returned as it is. Raise PackageFailed if git can't be asked.
        """
        project = project.resolve()
        repository = git.find_repository(project) if project.is_dir() else None
        if repository is None or not os.path.lexists(repository / ".git"):
            return project
        if repository not in self._copies:
            self._copies[repository] = self._folder / str(len(self._copies)) / repository.name
            copy_tracked(repository, self._copies[repository])
        copy = self._copies[repository] / project.relative_to(repository)
        if not copy.is_dir():
            raise PackageFailed(
                f"The requirements name {project}, but git tracks no file there.",
                "Add the project to git, or name a wheel of it.",
            )
        self.left_out += (str(project / path) for path in untracked(project))
        return copy

    def built_from(self, project: Path) -> Path:
        """Return the folder that source() has returned for a project, or would without a repository."""
        project = project.resolve()
        for repository, copy in self._copies.items():
            if project.is_relative_to(repository):
                return copy / project.relative_to(repository)
        return project

    def check(self, distribution: str, url: str) -> None:
        """
        Raise PackageFailed if a distribution was built in a repository itself, not in a copy.

        pip does that if another project names it by a full path.
        """
        path = Path(unquote(urlsplit(url).path))
        repository = git.find_repository(path)
        if repository is not None and os.path.lexists(repository / ".git"):
            copied = any(path.is_relative_to(copy) for copy in self._copies.values())
            if not copied:
                raise PackageFailed(
                    f"{distribution} is built from {path}, which another project names by its full path. So "
                    "files that git ignores may be in it.",
                    "Let that project name it without a path, and name the path in the requirements.",
                )

    def original(self, text: str) -> str:
        """Return a text of pip, with the folders of this disk instead of those of the copies."""
        for repository, copy in self._copies.items():
            text = text.replace(str(copy), str(repository))
        return text


def copy_tracked(repository: Path, copy: Path) -> None:
    """Copy what git tracks. Let the copy use the repository's own history, so that versions can be read."""
    tracked = git.list_tracked(repository)
    for path in tracked.paths if tracked else ():
        source, target = repository / path, copy / path
        if source.is_symlink():
            leads_to = Path(os.readlink(source))
            if leads_to.is_absolute() and leads_to.is_relative_to(repository):
                leads_to = copy / leads_to.relative_to(repository)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(leads_to)
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    copy.mkdir(parents=True, exist_ok=True)
    own = repository / ".git"
    if own.is_dir():
        (copy / ".git").write_text(f"gitdir: {own}\n")
    else:
        place = own.read_text(encoding="utf-8").partition(":")[2].strip()
        (copy / ".git").write_text(f"gitdir: {(repository / place).resolve()}\n")


def untracked(project: Path) -> list[PurePosixPath]:
    """Return what git doesn't track in a project's folder, without what every build leaves there."""
    paths = git.list_files(project, "--others", "--directory") or []
    return [
        path
        for path in paths
        if not (
            path.name.endswith(_USUAL_ENDINGS)
            or path.parts[0] in _USUAL_FOLDERS
            or path.parts[0].startswith(".")
            or "__pycache__" in path.parts
        )
    ]
