"""Make an environment that holds exactly what a lock file says, with the Python that runs this file."""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements.lock"
# Compiling every module takes as long as installing it; Python compiles those it imports, when it does.
PIP = ("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-compile")
EXACTLY = ("--require-hashes", "--no-deps", "-r")


def fingerprint(lock: Path) -> str:
    """Return what an environment depends on: the lock file and this Python."""
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {platform.python_version()}\n"


def is_fresh(folder: Path, lock: Path) -> bool:
    """Is `folder` an environment installed to the end from the present lock file, and does it run?"""
    stamp = folder / ".installed"
    if not stamp.is_file() or stamp.read_text() != fingerprint(lock):
        return False
    return subprocess.run([folder / "bin" / "python", "-c", ""], check=False).returncode == 0


def install(folder: Path, lock: Path, hold: int) -> int:
    """
    Make `folder` anew; pip inherits the file descriptor `hold`.

    The stamp comes last: an interrupted installation never looks whole.
    """
    count = len(re.findall(r"^[A-Za-z0-9].*==", lock.read_text(), re.MULTILINE))
    print(f"Installing {count} packages into {folder.name} (once, about a minute)", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=True)
    pip = subprocess.run(
        [folder / "bin" / "python", "-I", *PIP, *EXACTLY, lock],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        pass_fds=[hold],
    )
    if pip.returncode != 0:
        print(
            pip.stdout, f"Installing into {folder.name} failed. Correct what pip says above, then try again."
        )
        return 1
    (folder / ".installed").write_text(fingerprint(lock))
    return 0


@contextmanager
def alone(folder: Path) -> Iterator[int]:
    """
    Keep other processes from making the same environment; yield the file descriptor of the lock.

    A process that inherits the descriptor keeps the lock too, so that a pip that outlives a killed run is
    waited for.
    """
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    with open(cache / f"{folder.name}.lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Waiting for another installation into {folder.name} to end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def main(*arguments: str) -> int:
    """
    Make the environment named, from the lock file named (else requirements.lock), unless it is fresh.

    With --is-fresh first, only say whether it is. Return the exit code.
    """
    asks = arguments[0] == "--is-fresh"
    folder, lock = (ROOT / name for name in (*arguments[asks:], LOCK)[:2])
    if asks:
        return 0 if is_fresh(folder, lock) else 1
    with alone(folder) as hold:
        return 0 if is_fresh(folder, lock) else install(folder, lock, hold)


if __name__ == "__main__":
    os.umask(0o022)
    try:
        sys.exit(main(*sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Interrupted: the next run starts the installation anew.")
