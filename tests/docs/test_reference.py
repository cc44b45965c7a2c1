"""What the reference says by hand is true; the reliability page names tests that there are."""

import inspect
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from django_offload.models import Task
from django_offload.testing import Offload
from django_offload.testing.aws import OffloadAWS
from tests.docs.pages import DOCS, ROOT, fits_inline

PAGE = "\n".join(page.read_text() for page in sorted((DOCS / "reference").glob("*.md")))
CODE = re.compile(r"`([^`]+)`")
LIBRARY = ROOT / "django_app" / "django_offload"
PATH = re.compile(r"`([\w.]+/[\w./]*)`")
# In the bucket; in other projects; before 2026-11-30.
NOWHERE = {"dead/", "src/", "deploy/scaffold/handlers"}
PYTEST = re.compile(r"pytest (?P<path>tests/\S+)(?: -k (?P<words>.+))?")


def table(heading: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this heading."""
    lines = PAGE.partition(f"| {heading} |")[2].splitlines()[2:]
    cells = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells.append([cell.strip() for cell in line.strip("|").split("|")])
    assert cells, f"The reference has no table of {heading}."
    return cells


def firsts(heading: str) -> list[str]:
    """Return the names in the first column of a table."""
    return [name for row in table(heading) for name in CODE.findall(row[0])]


def test_every_permission_is_there() -> None:
    own = {f"django_offload.{codename}" for codename, _ in Task._meta.permissions}

    assert set(firsts("permission")) == own | {"django_offload.view_task"}


def test_every_extra_and_app_is_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    apps = {f"django_offload.{path.parent.name}" for path in LIBRARY.glob("*/apps.py")} | {"django_offload"}

    assert set(firsts('extra of `pip install "django-offload[…]"`')) == set(extras)
    assert set(firsts("in `INSTALLED_APPS`")) == apps


def test_a_fixture_has_what_is_said_of_it() -> None:
    for cell, fixtures, _ in table("of a fixture"):
        name = CODE.findall(cell)[0].partition("(")[0]
        for fixture in [OffloadAWS] if "offload_aws" in fixtures else [Offload, OffloadAWS]:
            assert hasattr(fixture, name) or f"self.{name} =" in inspect.getsource(fixture), name


def test_the_commands_of_the_reliability_page_run_tests_that_there_are() -> None:
    commands = [
        found
        for text in fits_inline(DOCS / "explanation" / "reliability.md")
        if (found := PYTEST.fullmatch(text))
    ]

    assert len(commands) >= 5
    for found in commands:
        path = ROOT / found["path"]
        assert path.exists(), found[0]
        if found["words"]:
            names = definitions(path)
            words = [word for word in shlex.split(found["words"])[0].split() if word != "or"]
            assert all(any(f"test_{word}_" in name for name in names) for word in words), found[0]


def definitions(folder: Path) -> list[str]:
    """Return the lines that define a test below a folder."""
    texts = [path.read_text() for path in folder.rglob("test_*.py")]
    return [line for text in texts for line in text.splitlines() if "def test_" in line]


@pytest.mark.parametrize("path", sorted(set(PATH.findall((ROOT / "ARCHITECTURE.md").read_text())) - NOWHERE))
def test_every_place_that_the_architecture_names_is_there(path: str) -> None:
    source = ROOT / "django_app"

    assert any((folder / path).exists() for folder in (ROOT, source, source / "django_offload"))
