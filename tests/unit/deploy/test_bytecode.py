"""Which Python makes the bytecode."""

import sys
from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package import bytecode

MISSING = "3.99"


def a_python(path: Path, says: str) -> str:
    """Put a program there that answers as an interpreter of a version does, or refuses as a shim does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder whose PATH has one interpreter, which refuses."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    a_python(tmp_path / "bin" / f"python{MISSING}", "exit 127")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_this_one_is_taken_where_it_is_of_the_version() -> None:
    assert bytecode.interpreter("{}.{}".format(*sys.version_info[:2])) == sys.executable


@pytest.mark.parametrize(
    "place",
    [
        "bin/python3",
        ".pyenv/versions/3.99.1/bin/python3.99",
        ".local/share/uv/python/cpython-3.99.0-linux-x86_64-gnu/bin/python3.99",
    ],
)
def test_another_is_found_where_pythons_are_installed(home: Path, place: str) -> None:
    found = a_python(home / place, "echo 3.99 $0")

    assert bytecode.interpreter(MISSING) == found


def test_what_a_shim_leads_to_is_taken_for_it_works_in_other_folders_too(home: Path) -> None:
    a_python(home / "bin" / "python3", "echo 3.99 /opt/python3.99")

    assert bytecode.interpreter(MISSING) == "/opt/python3.99"


def test_one_that_this_system_cannot_run_is_passed_over(home: Path) -> None:
    versions = home / ".pyenv" / "versions"
    other = a_python(versions / "3.99.1" / "bin" / "python3.99", "")
    Path(other).write_bytes(b"\x7fELF of another processor")
    found = a_python(versions / "3.99.2" / "bin" / "python3.99", "echo 3.99 $0")

    assert bytecode.interpreter(MISSING) == found


def test_one_of_another_version_is_never_taken(home: Path) -> None:
    a_python(home / "bin" / "python3", "echo 3.8 $0")
    a_python(home / ".pyenv" / "versions" / "3.99.1" / "bin" / "python3.99", "echo 3.98 $0")

    with pytest.raises(PackageFailed) as caught:
        bytecode.interpreter(MISSING)

    assert str(caught.value) == (
        "The package was not built. Python 3.99 was not found here. The functions run on it, and it must "
        "compile their bytecode. Install it (pyenv install 3.99, uv python install 3.99, or from python.org), "
        'or choose another "Runtime" in the "parameters" of the stage\'s file.'
    )
