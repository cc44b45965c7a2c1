"""The script that finds a Python: it must run, be of the version wanted, and able to make environments."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
MISSING = "3.99"
TOOLS = "/usr/bin:/bin"


@pytest.fixture
def find(tmp_path):
    """Run the script where the programs given as path: text are the first on PATH and in the home folder."""

    def run(version: str, programs: dict[str, str]) -> subprocess.CompletedProcess[str]:
        for name, text in programs.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)
        environment = {"PATH": f"{tmp_path}/bin:{TOOLS}", "HOME": str(tmp_path)}
        command = [ROOT / ".ci" / "find-python", version]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def says(version: str, *, able: bool = True) -> str:
    """Return the text of a program that acts as a Python of that version."""
    return f"""case $3 in
    *version_info*) echo {version} ;;
    *ensurepip*) exit {0 if able else 1} ;;
    *_base_executable*) echo "$0" ;;
esac"""


def test_a_python_of_the_version_on_path_is_found(find, tmp_path):
    process = find(MISSING, {f"bin/python{MISSING}": says(MISSING)})

    assert process.stdout == f"{tmp_path}/bin/python{MISSING}\n"


def test_a_shim_that_refuses_to_run_is_passed_over(find, tmp_path):
    real = f".pyenv/versions/{MISSING}.1/bin/python3"

    process = find(MISSING, {f"bin/python{MISSING}": "exit 127", real: says(MISSING)})

    assert process.stdout == f"{tmp_path}/{real}\n"


def test_a_python3_of_the_version_is_found(find, tmp_path):
    process = find(MISSING, {"bin/python3": says(MISSING)})

    assert process.stdout == f"{tmp_path}/bin/python3\n"


def test_a_python_that_uv_manages_is_found(find, tmp_path):
    elsewhere = tmp_path / "elsewhere" / "python"

    process = find(MISSING, {"elsewhere/python": says(MISSING), "bin/uv": f"echo {elsewhere}"})

    assert process.stdout == f"{elsewhere}\n"


def test_a_python3_of_another_version_is_never_used(find):
    process = find(MISSING, {"bin/python3": says("3.8"), f"bin/python{MISSING}": says("3.8")})

    assert process.returncode == 2
    assert process.stdout == ""
    assert process.stderr.startswith(f"Python {MISSING} was not found: install it (")
    assert process.stderr.count("\n") == 1


def test_a_python_that_cannot_make_environments_is_named(find, tmp_path):
    process = find(MISSING, {f"bin/python{MISSING}": says(MISSING, able=False)})

    assert process.returncode == 2
    assert process.stderr == (
        f"{tmp_path}/bin/python{MISSING} lacks a part that environments need: install python{MISSING}-venv "
        f"(Debian, Ubuntu) or another Python {MISSING}, then try again.\n"
    )


def test_of_an_environment_that_is_active_the_python_below_it_is_found(tmp_path):
    venv.create(tmp_path / "active", symlinks=True)
    environment = {"PATH": f"{tmp_path}/active/bin:{TOOLS}", "HOME": str(tmp_path)}

    process = subprocess.run(
        [ROOT / ".ci" / "find-python", THIS], env=environment, capture_output=True, text=True, check=False
    )

    assert process.stderr == ""
    assert Path(process.stdout.strip()).resolve() == Path(sys._base_executable).resolve()
    assert not Path(process.stdout.strip()).is_relative_to(tmp_path)
