"""What is shipped and what is installed: the wheel, the dependencies, the lock file."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.sources import LIBRARY, ROOT, SOURCE_ROOT, tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
OF_THE_FUNCTIONS = ("lambdas/requirements.in", "lambdas/requirements.lock")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;]+)", re.MULTILINE)


def locked() -> dict[str, str]:
    """Return the version of every package in the lock file."""
    return {canonicalize_name(pin["name"]): pin["version"] for pin in PIN.finditer(LOCK)}


def direct() -> list[Requirement]:
    """Return the requirements of requirements.in."""
    lines = (line.partition("  #")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> list[str]:
    """Build the wheel from what the checkout holds, away from it, and return the names of its files."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        SOURCE_ROOT, source / "django_app", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]

    process = subprocess.run([*pip, "-w", built, source], capture_output=True, text=True, check=False)

    assert process.returncode == 0, process.stdout + process.stderr
    (path,) = built.iterdir()
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_library_and_nothing_else(wheel):
    tops = {name.partition("/")[0] for name in wheel}

    assert tops == {"django_offload", f"django_offload-{PROJECT['version']}.dist-info"}


def test_the_wheel_holds_every_file_of_the_library(wheel):
    of_the_library = {
        path.relative_to(SOURCE_ROOT).as_posix() for path in tracked() if path.is_relative_to(LIBRARY)
    }

    assert of_the_library
    assert of_the_library - set(wheel) == set()


def test_at_run_time_the_library_needs_django_and_boto3_alone():
    names = {Requirement(line).name for line in PROJECT["dependencies"]}

    assert names == {"Django", "boto3"}


def test_pytest_finds_the_plugin():
    assert PROJECT["entry-points"]["pytest11"] == {"django_offload": "django_offload.pytest_plugin"}


def test_the_lock_file_holds_every_direct_requirement():
    pins = locked()

    stale = [str(one) for one in direct() if pins.get(canonicalize_name(one.name)) not in one.specifier]

    assert not stale, f"Run make lock: requirements.lock does not hold {stale}"


def test_the_lock_file_covers_what_the_library_declares():
    pins = locked()
    extras = ["local", "test", "deploy", "terminal"]
    declared = [Requirement(line) for line in PROJECT["dependencies"]]
    declared += [Requirement(line) for extra in extras for line in PROJECT["optional-dependencies"][extra]]

    stale = [str(one) for one in declared if pins.get(canonicalize_name(one.name)) not in one.specifier]

    assert not stale, f"Add these to requirements.in and run make lock: {stale}"


def test_every_package_of_the_lock_file_has_its_hashes():
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK.partition("\n")[2])

    assert len(blocks) == len(locked())
    assert all("--hash=sha256:" in block for block in blocks)


def test_no_requirements_file_carries_an_address():
    for name in ("requirements.in", "requirements.lock", *OF_THE_FUNCTIONS):
        assert not re.search(r"://|^-|@ ", (ROOT / name).read_text(), re.MULTILINE), name


def test_functions_run_with_the_versions_that_the_tests_have():
    pins = {pin["name"]: pin["version"] for pin in PIN.finditer((ROOT / OF_THE_FUNCTIONS[1]).read_text())}

    assert {"django", "apig-wsgi", "psycopg-binary"} <= set(pins)
    assert {name: version for name, version in pins.items() if locked().get(name) != version} == {}
