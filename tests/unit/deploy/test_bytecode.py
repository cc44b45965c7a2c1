"""The Python that compiles the bytecode."""

import sys
from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package import bytecode

MISSING = "3.99"


def install_python(path: Path, script: str) -> str:
    """Write a program that answers like a Python interpreter, or fails like a shim. Return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder. The only interpreter on its PATH fails."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    install_python(tmp_path / "bin" / f"python{MISSING}", "exit 127")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_interpreter_is_the_running_python_if_the_version_matches() -> None:
    assert bytecode.interpreter("{}.{}".format(*sys.version_info[:2])) == sys.executable


@pytest.mark.parametrize(
    "place",
    [
        "bin/python3",
        ".pyenv/versions/3.99.1/bin/python3.99",
        ".local/share/uv/python/cpython-3.99.0-linux-x86_64-gnu/bin/python3.99",
    ],
)
def test_interpreter_is_found_where_pythons_are_usually_installed(home: Path, place: str) -> None:
    installed = install_python(home / place, "echo 3.99 $0")

    assert bytecode.interpreter(MISSING) == installed


def test_interpreter_is_the_python_that_a_shim_starts(home: Path) -> None:
    install_python(home / "bin" / "python3", "echo 3.99 /opt/python3.99")

    assert bytecode.interpreter(MISSING) == "/opt/python3.99"


def test_an_interpreter_for_another_system_is_skipped(home: Path) -> None:
    versions = home / ".pyenv" / "versions"
    other = install_python(versions / "3.99.1" / "bin" / "python3.99", "")
    Path(other).write_bytes(b"\x7fELF of another processor")
    installed = install_python(versions / "3.99.2" / "bin" / "python3.99", "echo 3.99 $0")

    assert bytecode.interpreter(MISSING) == installed


def test_an_interpreter_of_another_version_is_refused(home: Path) -> None:
    install_python(home / "bin" / "python3", "echo 3.8 $0")
    install_python(home / ".pyenv" / "versions" / "3.99.1" / "bin" / "python3.99", "echo 3.98 $0")

    with pytest.raises(PackageFailed) as caught:
        bytecode.interpreter(MISSING)

    assert str(caught.value) == (
        "The package was not built. Python 3.99 was not found here. The functions run on it, and it "
        "must compile their bytecode. Install it (pyenv install 3.99, uv python install 3.99, or from "
        'python.org), or choose another "Runtime" in the "parameters" of the stage\'s file.'
    )
