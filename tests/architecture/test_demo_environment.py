"""`make demo` takes the newest Python from 3.12 on that can have an environment, and says which."""

import shutil
import subprocess

import pytest

from tests.architecture.sources import ROOT
from tests.architecture.test_find_python import TOOLS, says

# Makes an environment, or says why not.
INSTALLS = 'echo "installing $1 into $2"'
FAILS_ON_THE_NEWEST = 'case $1 in 3.99) echo "no wheel for $1"; exit 1 ;; esac'


@pytest.fixture
def demo(tmp_path):
    """Run the script where only these programs, path: text, are Pythons of a version that it may take."""

    def run(programs: dict[str, str], environment: str = INSTALLS) -> subprocess.CompletedProcess[str]:
        scripts = tmp_path / "project" / ".ci"
        scripts.mkdir(parents=True)
        shutil.copy(ROOT / ".ci" / "find-python", scripts)
        script = (ROOT / ".ci" / "demo-environment").read_text()
        assert "oldest=12\n" in script
        # This machine's own Pythons are too old for the test.
        programs = {
            **programs,
            "project/.ci/demo-environment": script.partition("\n")[2].replace("oldest=12\n", "oldest=90\n"),
            "project/.ci/environment": environment,
        }
        for name, text in programs.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"#!/bin/sh\n{text}\n")
            path.chmod(0o755)
        return subprocess.run(
            [scripts / "demo-environment"],
            env={"PATH": f"{tmp_path}/bin:{TOOLS}", "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def of(version: str, **options: bool) -> str:
    """Return the text of a program that acts as a released Python of that version."""
    return f"case $3 in *releaselevel*) exit 0 ;; esac\n{says(version, **options)}"


@pytest.mark.parametrize(
    "places",
    [
        {"bin/python3.91": of("3.91"), "bin/python3.99": of("3.99"), "bin/python3.9": of("3.9")},
        {"bin/python3": of("3.99"), "bin/python3.98": of("3.98")},
        {".pyenv/versions/3.99.1/bin/python3": of("3.99"), "bin/python3.98": of("3.98")},
        {".local/share/uv/python/cpython-3.99.0-linux/bin/python3": of("3.99"), "bin/python3": of("3.98")},
    ],
    ids=["names on PATH", "python3", "pyenv", "uv"],
)
def test_the_newest_is_taken_and_named(demo, places):
    process = demo(places)

    assert process.stdout == ".venv-3.99\n"
    assert process.stderr == "The demo runs on Python 3.99.\ninstalling 3.99 into .venv-3.99\n"
    assert process.returncode == 0


def test_one_that_cannot_have_an_environment_is_passed_over(demo):
    process = demo(
        {
            "bin/python3.99": of("3.99", able=False),
            "bin/python3.98": f"case $3 in *releaselevel*) exit 1 ;; esac\n{says('3.98')}",  # A beta.
            "bin/python3.97": "exit 127",  # A shim.
            "bin/python3.96": of("3.96"),
        }
    )

    assert process.stdout == ".venv-3.96\n"
    assert process.stderr.startswith("The demo runs on Python 3.96.\n")


def test_if_a_package_refuses_the_newest_the_next_one_is_tried(demo):
    process = demo(
        {"bin/python3.99": of("3.99"), "bin/python3.98": of("3.98")}, environment=FAILS_ON_THE_NEWEST
    )

    assert process.stdout == ".venv-3.98\n"
    assert process.stderr == (
        "The demo runs on Python 3.99.\nno wheel for 3.99\n"
        "Python 3.99 can't run the demo, as said above. The next older one is tried.\n"
        "The demo runs on Python 3.98.\n"
    )


@pytest.mark.parametrize(
    ("programs", "environment", "message"),
    [
        ({}, INSTALLS, "No Python from 3.90 on was found: install one (apt-get install python3.13-venv, "),
        ({"bin/python3": of("3.8")}, INSTALLS, "No Python from 3.90 on was found: install one ("),
        (
            {"bin/python3.99": of("3.99", able=False)},
            INSTALLS,
            "python3.99 lacks a part that environments need",
        ),
        (
            {"bin/python3.99": of("3.99")},
            FAILS_ON_THE_NEWEST,
            "No other Python from 3.90 on was found: install",
        ),
    ],
    ids=["none", "old", "incomplete", "refused"],
)
def test_without_any_one_sentence_says_what_to_do(demo, programs, environment, message):
    process = demo(programs, environment)

    assert process.returncode == 2
    assert process.stdout == ""
    assert message in process.stderr.splitlines()[-1]
    assert process.stderr.endswith("then try again.\n")


def test_the_environment_of_the_tests_serves_the_demo_too():
    """Python 3.13 has its environment in .venv, as make test has."""
    script = (ROOT / ".ci" / "demo-environment").read_text()

    assert "13) folder=.venv ;;" in script
    assert ".ci/environment 3.13 .venv\n" in (ROOT / "Makefile").read_text()
