"""One zip for every function: the same bytes for the same files, whoever made it and when."""

import hashlib
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import PackageFailed, PackageTooLarge

# The oldest instant that a zip can name.
_MTIME = (1980, 1, 1, 0, 0, 0)
_FILE, _EXECUTABLE = 0o100644, 0o100755
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGEST_UNZIPPED = 250 * 2**20
_BYTECODE = re.compile(r"\.cpython-(\d)(\d+)\.pyc$")
# e_machine: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_MACHINES = {62: "x86_64", 183: "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A finished package."""

    path: Path
    sha256: str
    size: int  # Bytes, zipped.
    unzipped: int
    files: int
    left: Mapping[str, int] = field(default_factory=dict)  # Files of the project outside, by kind.
    runtime: str | None = None  # What its bytecode is for, of one that was built before.
    architecture: str | None = None  # What its shared libraries are for, of one that was built before.


def write(folder: Path, output: Path) -> Archive:
    """
    Zip what `folder` holds, sorted, with one time, and with rights that do not depend on this machine.

    Raise PackageTooLarge if Lambda would refuse it.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    unzipped = sum(path.stat().st_size for path in paths)
    if unzipped > LARGEST_UNZIPPED:
        raise PackageTooLarge(unzipped, LARGEST_UNZIPPED)
    output.parent.mkdir(parents=True, exist_ok=True)
    partly = output.with_suffix(".part")
    with zipfile.ZipFile(partly, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix()):
            _add(archive, path, path.relative_to(folder).as_posix())
    os.replace(partly, output)
    return _archive(output, unzipped, len(paths))


def existing(path: Path) -> Archive:
    """Return what is known of a package that was built before. Raise PackageFailed if it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            runtime, architecture = _made_for(archive)
    except (OSError, zipfile.BadZipFile) as exc:
        raise PackageFailed(
            f"{path} is no package ({exc}).", "Build one: manage.py offload_package."
        ) from exc
    found = _archive(path, sum(entry.file_size for entry in entries), len(entries))
    return replace(found, runtime=runtime, architecture=architecture)


def _made_for(archive: zipfile.ZipFile) -> tuple[str | None, str | None]:
    """Return runtime and processor that a package is built for, each as far as the package tells."""
    names = archive.namelist()
    tag = next(filter(None, map(_BYTECODE.search, names)), None)
    library = next((name for name in names if ".so" in Path(name).suffixes), None)
    head = b"" if library is None else archive.read(library)[:20]
    machine = int.from_bytes(head[18:20], "little") if head.startswith(b"\x7fELF") else 0
    return tag and f"python{tag[1]}.{tag[2]}", _MACHINES.get(machine)


def _archive(path: Path, unzipped: int, files: int) -> Archive:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Archive(path=path, sha256=sha256, size=path.stat().st_size, unzipped=unzipped, files=files)


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _MTIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3  # Unix, whatever this is.
    entry.external_attr = (_EXECUTABLE if ".so" in path.suffixes else _FILE) << 16
    archive.writestr(entry, path.read_bytes())
