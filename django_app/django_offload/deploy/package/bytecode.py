"""Bytecode made beforehand: Lambda's file system is read-only, so each cold start would compile anew."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...stack.layout import TASK_ROOT
from ..errors import PackageFailed


def interpreter(python: str) -> str:
    """Return a Python of version `python`, such as 3.13. Raise PackageFailed if this machine has none."""
    if python == "{}.{}".format(*sys.version_info[:2]):
        return sys.executable
    for path in _candidates(python):
        version, _, itself = _said(path).partition(" ")
        if version == python:
            return itself
    raise PackageFailed(
        f"the functions run on Python {python}, which makes their bytecode, and is not found here.",
        f"Install it (pyenv install {python}, uv python install {python}, or from python.org); or choose "
        '"Runtime" among the "parameters" of the stage\'s file.',
    )


def compile_all(folder: Path, python: str) -> None:
    """
    Write the bytecode of every module below `folder`, the same for the same source.

    It is never compared with its source again: nothing changes a package after it is made.
    """
    subprocess.run(
        [
            *(interpreter(python), "-s", "-m", "compileall", "-q", "-q", "-j", "1"),
            *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", TASK_ROOT, str(folder)),
        ],
        # Sets of constants are written in the order of their hashes.
        env={**without_python(os.environ), "PYTHONHASHSEED": "0"},
        capture_output=True,
        check=False,
    )


def uncompiled(folder: Path) -> list[str]:
    """Return the modules below `folder` that have no bytecode: their syntax is wrong."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if not list((path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc"))
    )


def without_python(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without what changes how Python starts."""
    return {key: value for key, value in environ.items() if not key.startswith("PYTHON")}


def _candidates(python: str) -> Iterator[str]:
    """Yield where a Python of that version may be. One on PATH may be a shim that refuses to run."""
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


def _said(path: str) -> str:
    """Return version and path of what runs there, if it runs: a shim leads on to it in some folders only."""
    program = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    try:
        ran = subprocess.run([path, "-I", "-c", program], capture_output=True, text=True, check=False)
    except OSError:  # Made for another system, as in a home folder that a container shares.
        return ""
    return ran.stdout.strip()
