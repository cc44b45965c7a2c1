"""Virtual environments of the tests' own, in which commands run as in a terminal."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "adopt"
# Variables of this run that are none of the project's.
FOREIGN = ("AWS_", "DJANGO", "PYTHON")


class Environment:
    """
    A virtual environment of one Python.

    `install` is run in a fresh one, which stays until that or `depends` changes: packages are not
    fetched anew by each run of the tests. Two runs take turns.
    """

    def __init__(
        self, version: str, install: str, *, depends: str, variables: Mapping[str, str] | None = None
    ) -> None:
        mark = hashlib.sha256(f"{install}\n{depends}".encode()).hexdigest()[:12]
        self.folder = CACHE / f"{version}-{mark}"
        self.variables = {
            **{key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)},
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.folder),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",
            "PIP_QUIET": "1",
            **(variables or {}),
        }
        CACHE.mkdir(parents=True, exist_ok=True)
        # Until close(): another run of the tests would change what is installed.
        self._alone = (CACHE / f"{self.folder.name}.lock").open("w")
        fcntl.flock(self._alone, fcntl.LOCK_EX)
        if not (self.folder / "installed").exists():
            self._make(version, install)

    def run(self, command: str, cwd: Path, *, typed: str = "") -> str:
        """Run a command line, answering its questions with `typed`; return what it printed."""
        return done(["/bin/sh", "-c", command], cwd=cwd, env=self.variables, typed=typed).stdout

    def close(self) -> None:
        """Let another run have it."""
        self._alone.close()

    def _make(self, version: str, install: str) -> None:
        """Install into a fresh folder; the mark comes last, so that what was interrupted is made anew."""
        shutil.rmtree(self.folder, ignore_errors=True)
        finder = done([str(ROOT / ".ci" / "find-python"), version], cwd=ROOT)
        done([finder.stdout.strip(), "-m", "venv", str(self.folder)], cwd=ROOT)
        self.run(install, ROOT)
        (self.folder / "installed").touch()


def done(
    command: list[str], *, cwd: Path, env: dict[str, str] | None = None, typed: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a command that must succeed."""
    process = subprocess.run(
        command, cwd=cwd, env=env, input=typed, capture_output=True, text=True, check=False, timeout=300
    )
    assert process.returncode == 0, f"{' '.join(command)}\n{process.stdout}{process.stderr}"
    return process
