"""Compile the bytecode in advance, because a cold start can't store it on Lambda's read-only file system."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...stack.layout import TASK_ROOT
from ..errors import PackageFailed


def interpreter(python: str) -> str:
    """Return the path of a Python of version `python`, such as 3.13. Raise PackageFailed if there is none."""
    if python == "{}.{}".format(*sys.version_info[:2]):
        return sys.executable
    for path in candidates(python):
        version, _, executable = version_and_path(path).partition(" ")
        if version == python:
            return executable
    raise PackageFailed(
        f"Python {python} was not found here. The functions run on it, and it must compile their bytecode.",
        f"Install it (pyenv install {python}, uv python install {python}, or from python.org), or choose "
        'another "Runtime" in the "parameters" of the stage\'s file.',
    )


def compile_all(folder: Path, python: str) -> None:
    """
    Compile every module below `folder`. The same source makes the same bytecode.

    Python never compares this bytecode with its source, because nothing changes a finished package.
    """
    subprocess.run(
        [
            *(interpreter(python), "-s", "-m", "compileall", "-q", "-q", "-j", "1"),
            *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", TASK_ROOT, str(folder)),
        ],
        # Python writes the constants of a set in the order of their hashes.
        env={**without_python(os.environ), "PYTHONHASHSEED": "0"},
        capture_output=True,
        check=False,
    )


def uncompiled(folder: Path) -> list[str]:
    """Return the modules below `folder` that have no bytecode, because their syntax is wrong."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if not list((path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc"))
    )


def without_python(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without the variables that change how Python starts."""
    return {key: value for key, value in environ.items() if not key.startswith("PYTHON")}


def candidates(python: str) -> Iterator[str]:
    """Yield paths where a Python of this version may be installed, those on PATH first."""
    name = f"python{python}"
    yield from filter(None, map(shutil.which, (name, "python3")))
    pyenv = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    uv = Path.home() / ".local" / "share" / "uv" / "python"
    folders = [
        *sorted(Path(pyenv).glob(f"versions/{python}.*/bin")),
        *sorted(uv.glob(f"cpython-{python}.*/bin")),
        *map(Path, ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")),
    ]
    yield from (str(folder / name) for folder in folders if (folder / name).exists())


def version_and_path(path: str) -> str:
    """
    Return the version and the path of the Python that `path` starts, or an empty string if it fails.

    `path` may be a shim, which starts a Python in some folders and fails in others.
    """
    program = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    try:
        process = subprocess.run([path, "-I", "-c", program], capture_output=True, text=True, check=False)
    except OSError:  # Built for another system: a container may share its home folder.
        return ""
    return process.stdout.strip()
