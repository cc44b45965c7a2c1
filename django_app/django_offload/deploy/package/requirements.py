"""Read a requirements file as pip does, and write it so that everything in it can be packaged."""

import codecs
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ..errors import PackageFailed

# These deploy the site and aren't part of it. placebo and kappa are of Zappa's, and have no wheels.
TOOLS_OF_ZAPPA = frozenset({"zappa", "placebo", "kappa"})

_COMMENT = re.compile(r"(^|\s+)#.*$")
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=]*")
_INCLUDE = re.compile(r"(?:-r|--requirement)[\s=]*(?P<file>.+)")
# Options with a path, which pip takes relative to the file that names it.
_WITH_PATH = re.compile(r"(?P<option>-c|--constraint|-f|--find-links)[\s=]*(?P<path>.+)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_WITH_TOOLS = re.compile(r"^(?P<name>django[-_.]offload)\s*\[(?P<extras>[^\]]*)\]", re.IGNORECASE)
_EGG = re.compile(r"#egg=([A-Za-z0-9._-]+)")
# The version in the name of a wheel or of a source archive, and all that follows.
_VERSION = re.compile(r"-\d.*")
# The last part of the address of a repository, without a version.
_REPOSITORY = re.compile(r"(?:git|hg|svn|bzr)\+.*/(?P<name>[^/@#]+?)(?:\.git)?/?(?:@[^#]*)?(?:#|$)")
# A path, with what may follow it: extras, a marker, options.
_PATH = re.compile(r"(?P<path>[^;\[]+?)(?P<rest>\s*(?:\[[^\]]*\]\s*)?(?:;.*|\s--.*)?)")
# As pip replaces them: https://pip.pypa.io/en/stable/reference/requirements-file-format/
_ENVIRONMENT = re.compile(r"\$\{([A-Z0-9_]+)\}")
_FILE_URL = re.compile(r"(?P<before>^|@\s*)file:(?://(?:localhost)?(?=/))?(?P<path>[^\s;#]+)")
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz")
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",  # What PowerShell writes.
    codecs.BOM_UTF16_BE: "utf-16-be",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The lines of a requirements file and of those that it includes."""

    lines: tuple[str, ...]
    tools: Mapping[str, str]  # The lines that were left out, by their names in TOOLS_OF_ZAPPA.


Source = Callable[[Path], Path]


def read_requirements(file: Path, root: Path, source: Source = Path) -> Requirements:
    """
    Return the requirements in `file`, with absolute paths and without the tools that only deploy the site.

    A project on this disk is installed like any other, even if the file asks for a link to it (-e). A
    relative path starts at the project's folder `root`, or else at the folder of the file. `source` returns
    the place to install a project or archive from. Raise PackageFailed if a file or path doesn't exist.
    """
    lines: list[str] = []
    tools: dict[str, str] = {}
    for line in _lines(file, root, source, ()):
        name = name_of(line)
        if name in TOOLS_OF_ZAPPA:
            tools[name] = line
        else:
            lines.append(_WITH_TOOLS.sub(_without_tools, line))
    return Requirements(lines=tuple(lines), tools=tools)


def name_of(line: str) -> str:
    """Return the normalized name of what a requirement brings, or an empty text if the line does not tell."""
    match, egg, repository = _NAME.match(line), _EGG.search(line), _REPOSITORY.search(line)
    address = line.partition(";")[0].partition("#")[0].strip()
    if egg or (match and " @ " in f"{line} "):
        name = egg[1] if egg else line.partition("@")[0].partition("[")[0].strip()
    elif address.endswith(_ARCHIVES):
        name = _VERSION.sub("", address.rpartition("/")[2])
    elif repository:
        name = repository["name"]
    else:
        name = match[0] if match and "://" not in line else ""
    return re.sub(r"[-_.]+", "-", name).lower()


def _without_tools(match: re.Match[str]) -> str:
    """Return our own name without the extra that brings Zappa."""
    extras = [extra for extra in re.split(r"[,\s]+", match["extras"].strip()) if extra != "deploy"]
    return match["name"] + (f"[{','.join(extras)}]" if extras else "")


def _lines(file: Path, root: Path, source: Source, including: tuple[Path, ...]) -> Iterator[str]:
    file = file.resolve()
    if file in including:
        raise PackageFailed(f"{file} includes itself.", "Remove the line -r of one of these files.")
    for line in _logical_lines(file):
        editable = _EDITABLE.match(line)
        include, with_path = _INCLUDE.fullmatch(line), _WITH_PATH.fullmatch(line)
        if include and "://" not in include["file"]:
            yield from _lines(file.parent / include["file"].strip("\"'"), root, source, (*including, file))
        elif with_path:
            path = with_path["path"].strip("\"'")
            found = path if "://" in path else _found(path, (file.parent, root))
            if found is None:
                raise _missing(file, path, root)
            yield f"{with_path['option']} {found}"
        elif editable or not line.startswith("-"):
            yield _with_absolute_path(line[editable.end() :] if editable else line, file, root, source)
        else:
            yield line


def _with_absolute_path(line: str, file: Path, root: Path, source: Source) -> str:
    """Return a requirement with the absolute path of a project or archive on this disk, if it names one."""
    url = _FILE_URL.search(line)
    match = url or _PATH.fullmatch(line)
    if match is None:
        return line
    path = unquote(match["path"]) if url else match["path"].strip("\"'")
    on_disk = "/" in path or path.startswith(".") or path.endswith(_ARCHIVES)
    if not url and (not on_disk or ":" in path or re.match(r"[^;]*\s@\s", line)):
        return line
    found = _found(path, (root, file.parent))
    if found is None:
        raise _missing(file, path, root)
    place = source(Path(found))
    if url:
        return f"{line[: url.start()]}{url['before']}{place.as_uri()}{line[url.end() :]}"
    return f"{place}{match['rest']}"


def _missing(file: Path, path: str, root: Path) -> PackageFailed:
    return PackageFailed(
        f"{file.name} names {path}, which is neither in {root} nor in {file.parent}.",
        "Correct the path, or name a released version of the package.",
    )


def _found(path: str, folders: tuple[Path, ...]) -> str | None:
    places = (folder / path for folder in folders)
    return next((str(place.resolve()) for place in places if place.exists()), None)


def _logical_lines(file: Path) -> Iterator[str]:
    """Yield the lines of a file without comments, those that end with a backslash as one."""
    try:
        data = file.read_bytes()
        mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
        text = data.removeprefix(mark).decode(_MARKS.get(mark, "utf-8"))
    except OSError as exc:
        raise PackageFailed(f"{file} cannot be read ({exc.strerror}).", "Name another file.") from exc
    except UnicodeDecodeError as exc:
        raise PackageFailed(f"{file} is not text ({exc}).", "Save it as UTF-8.") from exc
    begun = ""
    for line in [*text.splitlines(), ""]:
        # A comment ends what was begun, as in pip.
        ends = not line.endswith("\\") or line.lstrip().startswith("#")
        begun += line if ends else line[:-1]
        if ends:
            logical = _COMMENT.sub("", begun).strip()
            begun = ""
            if logical:
                yield _ENVIRONMENT.sub(lambda name: os.environ.get(name[1]) or name[0], logical)
