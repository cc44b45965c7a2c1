"""The reference names what the code has, all of it; the reliability page names tests that there are."""

import inspect
import re
import shlex
from pathlib import Path

import pytest

from django_offload import urls
from django_offload.conf import OPTION_KEYS, QUEUE_KEYS
from django_offload.conf.validation import QUEUE_BOUNDS
from django_offload.definition.context import OffloadContext
from django_offload.definition.offload_task import USING, OffloadTask
from django_offload.models import Task
from django_offload.templatetags.offload import task_progress
from django_offload.testing import Offload
from django_offload.testing.aws import OffloadAWS
from tests.docs.holders import unknown_options
from tests.docs.pages import DOCS, ROOT, fits_inline

PAGE = (DOCS / "reference.md").read_text()
CODE = re.compile(r"`([^`]+)`")
COMMANDS = ROOT / "django_app" / "django_offload" / "management" / "commands"
# Of the context, what only the library itself asks for.
PRIVATE_CONTEXT = {"reporter", "journal", "depth", "traceparent"}
PATH = re.compile(r"`([\w.]+/[\w./]*)`")
# In the bucket; in other projects; before 2026-11-30.
NOWHERE = {"dead/", "src/", "deploy/scaffold/handlers"}
PUBLIC = {"using", "delay", "enqueue_many", "aenqueue_many", "call", "acall"}
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


def test_every_option_of_a_backend_is_there() -> None:
    assert sorted(firsts("key of `OPTIONS`")) == sorted(OPTION_KEYS)


def test_every_option_of_a_queue_is_there_with_its_bounds() -> None:
    assert sorted(firsts("option of a queue")) == sorted(QUEUE_KEYS)
    for name, _, bounds, _ in table("option of a queue"):
        numbers = [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", bounds)]
        least, most = QUEUE_BOUNDS[name.strip("`")]
        if "days" not in bounds:
            assert numbers == [least, most], name


def test_every_option_of_a_task_is_there() -> None:
    options = {row[0].strip("`"): row[2] for row in table("option of `@task(…)`")}

    assert [name for name, using in options.items() if using == "yes"] == list(USING)
    assert {*USING, "name", "aliases", "sensitive"} == set(options)
    assert set(options) <= set(OffloadTask.__dataclass_fields__)


def test_every_method_of_a_task_is_there() -> None:
    names = {name.strip("()") for name in firsts("method")}

    assert {name for name in names if not hasattr(OffloadTask, name)} == set()
    assert {
        name for name in vars(OffloadTask) if inspect.isfunction(vars(OffloadTask)[name])
    } & PUBLIC <= names


def test_every_name_of_the_context_is_there() -> None:
    names = {name.removeprefix("context.").partition("(")[0] for name in firsts("in a task")}
    beyond_django = {name for name in dir(OffloadContext) if name in vars(OffloadContext)} - PRIVATE_CONTEXT

    assert names == {name for name in beyond_django if not name.startswith("_")} | {"attempt"}


def test_every_url_is_there() -> None:
    names = [row[1].strip("`") for row in table("URL")]

    assert names == [f"{urls.app_name}:{name}" for name in ("status", "cancel", "progress")]
    assert {pattern.name for pattern in urls.urlpatterns} == {name.partition(":")[2] for name in names}


def test_every_argument_of_the_tag_is_there() -> None:
    ((_, meaning),) = [row for row in table("on a page") if "task_progress" in row[0]]
    taken = inspect.signature(inspect.unwrap(task_progress)).parameters

    assert set(CODE.findall(meaning.partition("Arguments:")[2])) == set(taken) - {"context", "result"}


def test_every_permission_is_there() -> None:
    own = {f"django_offload.{codename}" for codename, _ in Task._meta.permissions}

    assert set(firsts("permission")) == own | {"django_offload.view_task"}


def test_every_command_is_there_with_options_that_it_has() -> None:
    assert set(firsts("command")) == {path.stem for path in COMMANDS.glob("offload_*.py")}
    for name, _, options in table("command"):
        assert unknown_options(name.strip("`"), options.replace("`", " ")) == [], name


def test_a_fixture_has_what_is_said_of_it() -> None:
    for cell, fixtures, _ in table("of a fixture"):
        name = CODE.findall(cell)[0].partition("(")[0]
        for fixture in [OffloadAWS] if "offload_aws" in fixtures else [Offload, OffloadAWS]:
            assert hasattr(fixture, name) or f"self.{name} =" in inspect.getsource(fixture), name


def test_the_commands_of_the_reliability_page_run_tests_that_there_are() -> None:
    commands = [found for text in fits_inline(DOCS / "reliability.md") if (found := PYTEST.fullmatch(text))]

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
