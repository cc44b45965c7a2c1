"""The wheel, and environments that it is installed into as people would: by pip, with what it depends on."""

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

from django import VERSION as DJANGO

from django_offload.compat import HAS_TASKS
from tests.scaffold.environment import ROOT, Environment, done

# A version that no index has: what pip installs is this wheel.
VERSION = "0.1.0+fresh"
PIN = re.compile(r"^[A-Za-z0-9][^\\\n]*==[^\\\n]*", re.MULTILINE)


def build(folder: Path) -> Path:
    """Build the wheel away from the checkout, and return where it is."""
    source = folder / "source"
    copy_sources(source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done([*pip, "-w", str(folder / "dist"), str(source)], cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def copy_sources(source: Path) -> None:
    """Copy what the wheel is built from, with a version of the tests' own."""
    source.mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    project = source / "pyproject.toml"
    project.write_text(
        re.sub(r'^version = ".*"$', f'version = "{VERSION}"', project.read_text(), flags=re.MULTILINE)
    )
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "django_app", source / "django_app", ignore=ignored)


def environment(version: str, wheel: Path) -> Environment:
    """Return an environment with all that the wheel depends on, but without the wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    made = Environment(
        version,
        f"pip install 'psycopg[binary]' 'django-offload[{'local' if HAS_TASKS else 'local,django52'}]'",
        depends=json.dumps([project["dependencies"], project["optional-dependencies"], pins()]),
        variables={
            "PIP_FIND_LINKS": str(wheel.parent),
            "PIP_CONSTRAINT": str(constraints(wheel.parent / "constraints.txt")),
        },
    )
    made.run("pip uninstall --yes django-offload", ROOT)
    return made


def constraints(file: Path) -> Path:
    """Write what pip may choose: the wheel, and the versions that the lock file holds."""
    file.write_text("\n".join([f"django-offload=={VERSION}", *pins()]) + "\n")
    return file


def pins() -> list[str]:
    """Return every package of the lock file, with its version: that of the Django which runs the tests."""
    of_version = ROOT / "tests" / "versions" / f"django-{DJANGO[0]}.{DJANGO[1]}.lock"
    lock = of_version if of_version.is_file() else ROOT / "requirements.lock"
    return [pin.strip() for pin in PIN.findall(lock.read_text())]
