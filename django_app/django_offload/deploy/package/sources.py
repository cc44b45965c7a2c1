"""Select the project's files to package: its code and what the code reads, but no secrets."""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ..errors import PackageFailed
from . import git
from .links import follow_links

# Folders at the top of a project. The site reads nothing in them at run time.
TOP_FOLDERS_LEFT_OUT = {"build", "dist", "docs", "env", "infra", "staticfiles", "media", "venv"}
FOLDERS_LEFT_OUT = {"__pycache__", "node_modules", "site-packages", "tests"}
NAMES_OF_KEYS = {"credentials", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa"}
NAMES_LEFT_OUT = {
    *("conftest.py", "tests.py", "requirements.in", "requirements.lock", "requirements.txt"),
    *NAMES_OF_KEYS,
}
SECRET_ENDINGS = (".env", ".jks", ".key", ".kdbx", ".keystore", ".p12", ".pem", ".pfx", ".ppk")
# Bytecode is compiled again. Keys, databases and .env files are secrets or data. People read the rest.
ENDINGS_LEFT_OUT = (
    *(".pyc", ".pyo", ".pyi", ".po", ".pot", ".md", ".rst", ".log"),
    *SECRET_ENDINGS,
    *(".db", ".sqlite", ".sqlite3", ".sqlite3-journal", ".sqlite3-shm", ".sqlite3-wal"),
)
# Patterns of files at the top of a project that people and tools read. Sites read the others, such as
# prices.json.
TOP_FILES_OF_PEOPLE = (
    *("readme*", "license*", "licence*", "copying*", "notice*", "authors*", "changelog*", "contributing*"),
    *(".*", "requirements*", "constraints*", "pipfile*", "*.lock", "zappa_settings.*"),
)
TOP_FILES_OF_TOOLS = (
    *("pyproject.toml", "setup.cfg", "manifest.in", "tox.ini", "pytest.ini", "mypy.ini", "ruff.toml"),
    *("package.json", "package-lock.json", "npm-shrinkwrap.json", "pnpm-*.yaml", "yarn.lock"),
    *("tsconfig*.json", "*.config.js", "*.config.cjs", "*.config.mjs", "*.config.ts", "deno.json"),
    *("makefile", "justfile", "dockerfile*", "*.dockerfile", "docker-compose*", "compose.y*ml", "procfile*"),
    *("cloudbuild.y*ml", "serverless.y*ml", "template.y*ml", "samconfig.toml", "fly.toml", "render.yaml"),
    *("app.json", "app.yaml", "mkdocs.y*ml", "sonar-project.properties", "*.code-workspace", "*.sh"),
)
# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSelection:
    """The files of a project that are packaged, and those that aren't."""

    packaged: tuple[PurePosixPath, ...]
    left_out: Mapping[str, int]  # How many files, by their ending or by the folder that excludes them.
    left_out_at_top: tuple[str, ...] = ()  # Files at the top that a site may read, secrets first.
    ignored: tuple[str, ...] = ()  # Files and whole folders that git ignores.
    untracked: tuple[str, ...] = ()  # Files that git neither tracks nor ignores.
    missing: tuple[str, ...] = ()  # Files that git tracks, but that aren't there.
    ignored_but_packaged: tuple[str, ...] = ()  # Files that git tracks or `include` names all the same.
    overlooked: tuple[str, ...] = ()  # Files whose changes git was told to overlook.
    in_repository: bool = True


def select_files(root: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> FileSelection:
    """
    Return the files of the project at `root` to package, sorted.

    In a git repository only tracked files are packaged, so that a file that was never added can't leak. Those
    of submodules belong to them. Files with a part of their path that matches a pattern of `exclude`, such as
    "*.csv", aren't packaged. Files that match a pattern of `include`, such as "shop/certificates/*.pem", are
    always packaged. Raise PackageFailed if there are no files, if git can't be asked, if a file can't be
    packaged as it is, or if a submodule or a link leads to nothing that could be packaged.
    """

    try:
        return _select_files(root, include, exclude)
    except OSError as exc:
        path = Path(exc.filename or root)
        shown = path.relative_to(root) if path.is_relative_to(root) else path
        raise PackageFailed(
            f"{shown} can't be read ({exc.strerror}).",
            "Let this user read it.",
        ) from exc


def _select_files(root: Path, include: Sequence[str], exclude: Sequence[str]) -> FileSelection:
    tracked = git.list_tracked(root)
    in_repository = tracked is not None

    def is_part(path: PurePosixPath) -> bool:
        # Without git, nothing tells what at the top is data of the site and what is somebody's own.
        return is_site_file(path) and (in_repository or len(path.parts) > 1 or path.suffix == ".py")

    def is_wanted(path: PurePosixPath) -> bool:
        return is_part(path) and not any(matches_any(part, exclude) for part in path.parts)

    listed = list(walk_files(root)) if tracked is None else tracked.paths
    tracked = tracked or git.Tracked()
    check_submodules(root, [path for path in listed if is_wanted(path / "__init__.py")])
    check_conflicts(filter(is_wanted, tracked.unmerged))
    files = list(follow_links(root, listed, is_wanted))
    included = {path for path in walk_files(root) if is_included(path, include)} if include else set()
    included = {path for path in included if (root / path).is_file()}
    selected = {path for path in files if is_wanted(path)} | included
    packaged = {path for path in selected if (root / path).is_file()}
    if not packaged:
        raise PackageFailed(
            f"{root} has no files to package.",
            "Run the command in the project's folder, or add the files to git.",
        )
    check_content(root, packaged)
    unfit = [path for path in files if not is_part(path) and path not in included]
    left_out = Counter(kind_left_out(path) for path in unfit if len(path.parts) > 1)
    return FileSelection(
        packaged=tuple(sorted(packaged)),
        left_out=dict(left_out.most_common()),
        left_out_at_top=tuple(missed_at_top(path for path in unfit if len(path.parts) == 1)),
        ignored=tuple(ignored_files(root, include)),
        untracked=tuple(untracked_files(root, packaged)),
        missing=tuple(sorted(str(path) for path in selected - packaged)),
        ignored_but_packaged=tuple(sorted(map(str, packaged.intersection(ignored_by_name(root, include))))),
        overlooked=tuple(sorted(map(str, packaged.intersection(tracked.overlooked)))),
        in_repository=in_repository,
    )


def check_submodules(root: Path, paths: Iterable[PurePosixPath]) -> None:
    """Raise PackageFailed if git tracks a repository whose files aren't there."""
    for path in paths:
        # Git lists files and links, and folders only if they are repositories that it knows nothing of.
        if (root / path).is_dir() and not (root / path).is_symlink():
            raise PackageFailed(
                f"The files of the submodule {path} are not there.",
                "Get them with git submodule update --init --recursive.",
            )


def check_conflicts(paths: Iterable[PurePosixPath]) -> None:
    """Raise PackageFailed if there is a file whose conflict git couldn't resolve."""
    names = list(dict.fromkeys(map(str, paths)))
    if names:
        raise PackageFailed(
            f"{', '.join(names)} {'has' if len(names) == 1 else 'have'} conflicts of a merge.",
            "Resolve them, then git add the files.",
        )


def check_content(root: Path, paths: Iterable[PurePosixPath]) -> None:
    """Raise PackageFailed if a file can't be packaged as it is."""
    for path in sorted(paths):
        try:
            path.as_posix().encode()
        except UnicodeEncodeError as exc:
            raise PackageFailed(f"The name of {str(path)!r} isn't UTF-8.", "Rename the file.") from exc
        with (root / path).open("rb") as file:
            if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise PackageFailed(
                    f"{path} is a pointer of Git LFS, not the file itself.",
                    "Get the files with git lfs pull.",
                )


def is_included(path: PurePosixPath, patterns: Sequence[str]) -> bool:
    """Return True if a path, relative to the project's folder, matches one of `patterns`."""
    return any(fnmatchcase(path.as_posix(), pattern) for pattern in patterns)


def is_site_file(path: PurePosixPath) -> bool:
    """Return True if a path, relative to the project's folder, is code or something that code reads."""
    folders, name = path.parts[:-1], path.name.lower()
    if not folders and path.suffix == ".py":
        return name not in NAMES_LEFT_OUT
    if not folders:
        return not (
            name in NAMES_LEFT_OUT
            or name.endswith(ENDINGS_LEFT_OUT)
            or matches_any(name, TOP_FILES_OF_PEOPLE)
            or matches_any(name, TOP_FILES_OF_TOOLS)
        )
    return not (
        any(part.startswith(".") for part in path.parts)
        or folders[0] in TOP_FOLDERS_LEFT_OUT
        or FOLDERS_LEFT_OUT.intersection(folders)
        or name in NAMES_LEFT_OUT
        or name.endswith(ENDINGS_LEFT_OUT)
        or (name.startswith("test_") and name.endswith(".py"))
    )


def is_secret(path: PurePosixPath) -> bool:
    """Return True if a file most likely holds secrets, such as .env.production or server.pem."""
    name = path.name.lower()
    return name.startswith(".env") or name.endswith(SECRET_ENDINGS) or name in NAMES_OF_KEYS


def missed_at_top(paths: Iterable[PurePosixPath]) -> Iterator[str]:
    """Yield the names of files at the top whose absence may surprise, secrets first."""
    for path in sorted(paths, key=lambda path: (not is_secret(path), path)):
        if is_secret(path) or not (
            path.name.lower() in NAMES_LEFT_OUT
            or path.suffix.lower() in (".md", ".rst", ".log", ".pyc")
            or matches_any(path.name.lower(), TOP_FILES_OF_PEOPLE)
        ):
            yield str(path)


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
    ignored = git.list_files(root, "--others", "--ignored", "--exclude-standard", "--directory") or ()
    # git lists a folder, and again each folder in it that .gitignore names separately.
    for path in sorted(ignored):
        included = any(pattern.startswith(path.as_posix()) for pattern in include)
        inside_yielded = not yielded.isdisjoint(path.parents)
        is_folder = (root / path).is_dir()
        if is_missed(root, path, is_folder=is_folder) and not (included or inside_yielded):
            yielded.add(path)
            yield f"{path}/" if is_folder else str(path)


def is_missed(root: Path, path: PurePosixPath, *, is_folder: bool) -> bool:
    """Return True if the site may read an ignored file or folder. It may be a secret that it reads here."""
    folders = path.parts if is_folder else path.parts[:-1]
    return not (
        path.parts[0] in TOP_FOLDERS_LEFT_OUT
        or any(
            part.startswith(".") or part in FOLDERS_LEFT_OUT or part.endswith(".egg-info") for part in folders
        )
        or (root / path / "pyvenv.cfg").exists()
    ) and (is_folder or is_site_file(path) or is_secret(path))


def ignored_by_name(root: Path, include: Sequence[str]) -> Iterator[PurePosixPath]:
    """Yield the files that git's rules for ignoring name, but that are tracked or included all the same."""
    rules = ("--ignored", "--exclude-standard")
    yield from git.list_files(root, "--cached", *rules) or ()
    if include:
        yield from git.list_files(root, "--others", *rules) or ()


def untracked_files(root: Path, packaged: Collection[PurePosixPath]) -> Iterator[str]:
    """
    Yield the files that git neither tracks nor ignores. It may surprise that they aren't packaged.

    Of another repository inside the project, yield the folder.
    """
    untracked = git.list_files(root, "--others", "--exclude-standard") or []
    environments = {path.parent for path in untracked if path.name == "pyvenv.cfg"}
    for path in untracked:
        is_folder = (root / path).is_dir()
        wanted = is_site_file(path / "__init__.py" if is_folder else path) or is_secret(path)
        if wanted and path not in packaged and environments.isdisjoint(path.parents):
            yield f"{path}/" if is_folder else str(path)


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Return True if a base name matches one of `patterns`."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def walk_files(root: Path) -> Iterator[PurePosixPath]:
    """
    Yield every file and link below `root`, except in hidden folders and virtual environments.

    Leave out pipes and sockets, which have no content. Raise OSError if a folder can't be read.
    """

    def fail(exc: OSError) -> None:
        raise exc

    for folder, folders, names in os.walk(root, onerror=fail):
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        ]
        links = (name for name in folders if Path(folder, name).is_symlink())
        for path in (Path(folder, name) for name in (*names, *links)):
            if path.is_symlink() or path.is_file():
                yield PurePosixPath(path.relative_to(root).as_posix())
