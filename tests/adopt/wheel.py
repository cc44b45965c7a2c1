"""The wheel, and environments that it is installed into as people would: by pip, with what it depends on."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A version that no index has: what pip installs is this wheel.
VERSION = "0.1.0+fresh"
FOREIGN = ("AWS_", "DJANGO", "PYTHON")  # Variables of this run that are none of the project's.
PIN = re.compile(r"^[A-Za-z0-9][^\\\n]*==[^\\\n]*", re.MULTILINE)


def build(folder: Path) -> Path:
    """Build the wheel away from the checkout, and return where it is."""
    source = folder / "source"
    source.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    project = source / "pyproject.toml"
    project.write_text(
        re.sub(r'^version = ".*"$', f'version = "{VERSION}"', project.read_text(), flags=re.MULTILINE)
    )
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "django_app", source / "django_app", ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done([*pip, "-w", str(folder / "dist"), str(source)], cwd=folder)
    (wheel,) = (folder / "dist").iterdir()
    return wheel


def constraints(file: Path) -> Path:
    """Write what pip may choose: the wheel, and the versions that the lock file holds."""
    pins = PIN.findall((ROOT / "requirements.lock").read_text())
    file.write_text("\n".join([f"django-offload=={VERSION}", *(pin.strip() for pin in pins)]) + "\n")
    return file


def fingerprint() -> str:
    """Return what the packages of an environment depend on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = json.dumps([project["dependencies"], project["optional-dependencies"]])
    return hashlib.sha256(said.encode() + (ROOT / "requirements.lock").read_bytes()).hexdigest()[:12]


class Environment:
    """
    A virtual environment of one Python, in which commands run as in a terminal.

    What the wheel depends on is installed into a fresh one, and stays until the dependencies change;
    the wheel itself is not there when a test begins.
    """

    def __init__(self, version: str, *, dist: Path, cache: Path) -> None:
        self.folder = cache / f"{version}-{fingerprint()}"
        cache.mkdir(parents=True, exist_ok=True)
        pins = constraints(cache / "constraints.txt")
        self.variables = {
            **{key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)},
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.folder),
            "PIP_FIND_LINKS": str(dist),
            "PIP_CONSTRAINT": str(pins),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",
            "PIP_QUIET": "1",
        }
        with (cache / f"{version}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.folder / "installed").exists():
                self._make(version)
        self.run("pip uninstall --yes django-offload", ROOT)

    def _make(self, version: str) -> None:
        """Install into a fresh folder; the mark comes last, so that what was interrupted is made anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        finder = done([str(ROOT / ".ci" / "find-python"), version], cwd=ROOT)
        done([finder.stdout.strip(), "-m", "venv", str(self.folder)], cwd=ROOT)
        self.run("pip install 'psycopg[binary]' 'django-offload[local]'", ROOT)
        (self.folder / "installed").touch()

    def run(self, command: str, cwd: Path, *, typed: str = "") -> str:
        """Run a command line, answering its questions with `typed`; return what it printed."""
        return done(["/bin/sh", "-c", command], cwd=cwd, env=self.variables, typed=typed).stdout


def done(
    command: list[str], *, cwd: Path, env: dict[str, str] | None = None, typed: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a command that must succeed."""
    process = subprocess.run(
        command, cwd=cwd, env=env, input=typed, capture_output=True, text=True, check=False, timeout=300
    )
    assert process.returncode == 0, f"{' '.join(command)}\n{process.stdout}{process.stderr}"
    return process
