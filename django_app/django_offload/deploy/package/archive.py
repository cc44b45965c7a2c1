"""Write the zip file. The same files make the same bytes, on any machine and at any time."""

import hashlib
import os
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from ..errors import PackageFailed, PackageTooLarge

# The earliest time that a zip file can store.
_MTIME = (1980, 1, 1, 0, 0, 0)
_FILE, _EXECUTABLE = 0o100644, 0o100755
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGEST_UNZIPPED = 250 * 2**20
_BYTECODE = re.compile(r"\.cpython-(\d)(\d+)\.pyc$")
# e_machine: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
_MACHINES = {62: "x86_64", 183: "arm64"}
_ELF, HEAD = b"\x7fELF", 20
LIBRARY_ENDINGS = frozenset({".so", ".dylib", ".pyd"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A finished package."""

    path: Path
    sha256: str
    size: int  # Bytes, zipped.
    unzipped: int  # Bytes.
    files: int
    left_out: Mapping[str, int] = field(default_factory=dict)  # How many project files, by their kind.
    runtime: str | None = None  # Of the bytecode in a package that was built before.
    architecture: str | None = None  # Of the shared libraries in a package that was built before.

    @classmethod
    def at(
        cls,
        path: Path,
        *,
        unzipped: int,
        files: int,
        runtime: str | None = None,
        architecture: str | None = None,
    ) -> Self:
        """Return the archive at `path`, with its hash and size."""
        return cls(
            path=path,
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            size=path.stat().st_size,
            unzipped=unzipped,
            files=files,
            runtime=runtime,
            architecture=architecture,
        )


def write(folder: Path, output: Path) -> Archive:
    """
    Zip the files in `folder`, sorted, all with the same time, and with modes independent of this machine.

    Raise PackageTooLarge if Lambda would reject the result.
    """
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    unzipped = sum(path.stat().st_size for path in paths)
    if unzipped > LARGEST_UNZIPPED:
        raise PackageTooLarge(unzipped, LARGEST_UNZIPPED)
    output.parent.mkdir(parents=True, exist_ok=True)
    unfinished = output.with_suffix(".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _MTIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every system.
            data = path.read_bytes()
            # Not by the file's own mode, which differs from machine to machine. Programs are ELF files too.
            is_executable = ".so" in path.suffixes or data.startswith(_ELF)
            entry.external_attr = (_EXECUTABLE if is_executable else _FILE) << 16
            archive.writestr(entry, data)
    os.replace(unfinished, output)
    return Archive.at(output, unzipped=unzipped, files=len(paths))


def read_archive(path: Path) -> Archive:
    """
    Return the package at `path`, which was built before.

    Its runtime and architecture are None if it has no bytecode or no shared library. Raise PackageFailed
    if the file is not a package.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = archive.namelist()
            tag = next(filter(None, map(_BYTECODE.search, names)), None)
            library = next((name for name in names if ".so" in Path(name).suffixes), None)
            head = b"" if library is None else archive.read(library)[:HEAD]
    except (OSError, zipfile.BadZipFile) as exc:
        raise PackageFailed(
            f"{path} is not a package ({exc}).", "Build one with manage.py offload_package."
        ) from exc
    return Archive.at(
        path,
        unzipped=sum(entry.file_size for entry in entries),
        files=len(entries),
        runtime=tag and f"python{tag[1]}.{tag[2]}",
        architecture=machine_of(head),
    )


def machine_of(head: bytes) -> str | None:
    """Return the processor that the first bytes of a program or library are for, if Linux could run it."""
    return _MACHINES.get(int.from_bytes(head[18:20], "little")) if head.startswith(_ELF) else None
