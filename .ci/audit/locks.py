"""Read the lock files of this project: packages, versions, hashes, markers, and what asks for what."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What the functions run.
DEPLOYED = ROOT / "lambdas" / "requirements.lock"

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]*))?"
)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})\b")
# uv writes who asked for a package below it: "# via django", or a name on each line.
_VIA = re.compile(r"#\s+(?:via\s+)?(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*|-r \S+)\s*$")


class LockError(Exception):
    """A lock file isn't one, or something in it isn't locked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One version of a package, as a lock file has it."""

    name: str  # Normalized.
    version: str
    marker: str
    hashes: tuple[str, ...]  # SHA-256, of every file that may be installed.
    asked_by: tuple[str, ...]  # Names of packages, and "-r FILE" for what the project itself asks for.


def normalized(name: str) -> str:
    """Return a name of a package as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def lock_files(root: Path = ROOT) -> list[Path]:
    """Return every lock file of Python packages that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.lock"],  # noqa: S607 - the developer's own git
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return [root / name for name in sorted(filter(None, listed.stdout.split("\0")))]


def read(lock: Path) -> list[Package]:
    """
    Return the packages of a lock file.

    Raise LockError if it has none, and for a requirement without an exact version and a hash.
    """
    packages = [_package(block, lock) for block in _blocks(lock.read_text())]
    if not packages:
        raise LockError(f"{lock} has no packages. Write it again with make lock.")
    return packages


def _blocks(text: str) -> Iterable[str]:
    """Yield each requirement with the lines that belong to it."""
    block = ""
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            if block:
                yield block
            block = line
        elif block:
            block += f"\n{line}"
    if block:
        yield block


def _package(block: str, lock: Path) -> Package:
    first, *others = block.splitlines()
    requirement = first.partition("--hash")[0].rstrip("\\ ")
    pin = _PIN.fullmatch(requirement)
    hashes = _HASH.findall(block)
    if pin is None or not hashes:
        raise LockError(f"{lock} has '{requirement}', which isn't one version with hashes. Run make lock.")
    asked = (match["name"] for line in others if (match := _VIA.search(line)) and "--hash" not in line)
    return Package(
        name=normalized(pin["name"]),
        version=pin["version"],
        marker=(pin["marker"] or "").strip(),
        hashes=tuple(hashes),
        asked_by=tuple(sorted({one if one.startswith("-r") else normalized(one) for one in asked} - {"via"})),
    )
