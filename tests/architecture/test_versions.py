"""Which Django this is, only django_offload.compat knows, and the environments of all versions are alike."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import LIBRARY, ROOT, SOURCE_ROOT, imports, modules, shown, tree
from tests.architecture.test_packaging import PIN, PROJECT, direct

COMPAT = LIBRARY / "compat.py"
# Their places differ from version to version, or only some versions have them.
OF_A_VERSION = re.compile(
    r"(django\.tasks|django_tasks|django\.utils\.(csp|json)|django\.(VERSION|get_version))(\.\w+)*"
)
TAGS_OF_A_VERSION = re.compile(r"{%\s*(csp_nonce_attr|partialdef|endpartialdef|partial)\b|forloop\.length")
# What others' tasks look like, before and after.
SAMPLES = (
    "tests/scaffold/samples/",
    "tests/scaffold/celery_corpus/",
    "tests/scaffold/pages/",
    "tests/benchmarks/",
    "tests/versions/",
    "tests/wagtail/",
)
VERSIONS = ("5.2", "6.0")


def knows_a_version(path: Path) -> list[str]:
    """Return the lines of a module that name what differs between versions of Django."""
    named = [(one.line, one.name) for one in imports(path)]
    for node in ast.walk(tree(path)):
        match node:
            case ast.Constant(value=str(text)):
                named.append((node.lineno, text))
            case ast.Attribute(value=ast.Name(id="django"), attr=attribute):
                named.append((node.lineno, f"django.{attribute}"))
            case ast.ImportFrom(module="django", names=names):
                named += [(node.lineno, f"django.{name.name}") for name in names]
    return [f"{shown(path)}:{line} {name}" for line, name in named if OF_A_VERSION.fullmatch(name)]


def test_one_module_of_the_library_knows_versions_of_django():
    assert len(knows_a_version(COMPAT)) > 5
    others = [line for path in modules(LIBRARY) if path != COMPAT for line in knows_a_version(path)]

    assert not others, "Take these from compat: " + ", ".join(others)


def test_the_site_and_the_tests_take_djangos_tasks_from_there_too():
    paths = [
        path for path in modules(SOURCE_ROOT / "lab", ROOT / "tests") if not shown(path).startswith(SAMPLES)
    ]
    strays = [
        f"{shown(path)}:{one.line} {one.name}"
        for path in paths
        for one in imports(path)
        if one.name.partition(".")[0] == "django_tasks" or one.name.startswith("django.tasks")
    ]

    assert not strays, "Take these from django_offload.compat: " + ", ".join(strays)


def test_templates_use_only_tags_that_every_django_has():
    strays = [
        f"{shown(path)}: {found[0]}"
        for path in LIBRARY.rglob("*.html")
        if (found := TAGS_OF_A_VERSION.search(path.read_text()))
    ]

    assert not strays, "Django 5.2 has none of these: " + ", ".join(strays)


def test_the_package_takes_any_django_from_5_2_on():
    (django,) = [line for line in PROJECT["dependencies"] if line.startswith("Django")]

    assert (django, PROJECT["requires-python"]) == ("Django>=5.2", ">=3.12")
    assert PROJECT["optional-dependencies"]["django52"] == ["Django>=5.2,<6.0", "django-tasks>=0.12,<0.13"]
    named = {name.rpartition(" ")[2] for name in PROJECT["classifiers"] if "Framework :: Django :: " in name}
    assert named == {*VERSIONS, "6.1"}


def test_the_extra_is_the_one_that_the_error_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = re.findall(r'pip install "([\w-]+)\[(\w+)\]"', COMPAT.read_text())

    assert named == [(project["name"], "django52")]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_lock_file_of_a_version_differs_in_what_django_wants_alone(version):
    lock = (ROOT / "tests" / "versions" / f"django-{version}.lock").read_text()
    pins = {canonicalize_name(pin["name"]): pin["version"] for pin in PIN.finditer(lock)}
    of_the_project = {
        canonicalize_name(pin["name"]): pin["version"]
        for pin in PIN.finditer((ROOT / "requirements.lock").read_text())
    }
    wanted = [
        Requirement(line)
        for line in (ROOT / "tests" / "versions" / f"django-{version}.in").read_text().splitlines()
        if not line.startswith("#")
    ]

    assert [str(one) for one in wanted if pins.get(canonicalize_name(one.name)) not in one.specifier] == []
    differing = {
        name for name, pinned in pins.items() if name in of_the_project and of_the_project[name] != pinned
    }
    assert differing == {"django"}, "Run make lock"
    tools = {"mypy", "ruff", "django-stubs"}
    missing = {canonicalize_name(one.name) for one in direct()} - pins.keys()
    assert missing == tools, "Run make lock"
    assert not re.search(r"://|^-|@ ", lock, re.MULTILINE)
    assert lock.count("--hash=sha256:") >= len(pins)
