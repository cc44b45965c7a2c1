"""Environments that hold what an extra installs and nothing else, without a network."""

import os
import subprocess
import tomllib
import venv
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def installed_with(*extras: str) -> dict[str, Distribution]:
    """Return every distribution that pip installs beside ours with `extras`, by name."""
    found: dict[str, Distribution] = {}
    lines = [
        *PROJECT["dependencies"],
        *(line for e in extras for line in PROJECT["optional-dependencies"][e]),
    ]
    add(lines, frozenset({""}), found, set())
    return found


def add(
    lines: Iterable[str],
    extras: frozenset[str],
    found: dict[str, Distribution],
    seen: set[tuple[str, frozenset[str]]],
) -> None:
    """Add what `lines` require when they are requirements of a distribution with `extras`."""
    for requirement in map(Requirement, lines):
        applies = requirement.marker is None or any(
            requirement.marker.evaluate({"extra": extra}) for extra in extras
        )
        wanted = (canonicalize_name(requirement.name), frozenset({"", *requirement.extras}))
        if applies and wanted not in seen:
            seen.add(wanted)
            found[wanted[0]] = distribution(requirement.name)
            add(found[wanted[0]].requires or (), wanted[1], found, seen)


class ExtraEnvironment:
    """A virtual environment with links to the packages of `extras`, and with the library of this checkout."""

    def __init__(self, folder: Path, project: Path, *extras: str) -> None:
        self.project = project  # The folder in which its programs run.
        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        (packages,) = (folder / "lib").glob("python*/site-packages")
        for one in installed_with(*extras).values():
            for entry in top_level_entries(one):
                link = packages / entry.name
                if not link.is_symlink():
                    link.symlink_to(entry)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTEST"))}
        self.variables = {
            **kept,
            "PYTHONPATH": str(ROOT / "django_app"),
            "DJANGO_SETTINGS_MODULE": "shop.settings",
        }

    def run(self, *arguments: str) -> str:
        """Run Python, which must succeed, and return what it printed."""
        process = subprocess.run(
            [str(self.python), *arguments],
            cwd=self.project,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout


def top_level_entries(one: Distribution) -> Iterator[Path]:
    """Yield the packages, modules and metadata of a distribution, but neither its scripts nor bytecode."""
    names = {file.parts[0] for file in one.files or ()}
    yield from (Path(str(one.locate_file(name))) for name in sorted(names - {"..", "__pycache__"}))
