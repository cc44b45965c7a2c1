"""What AWS invokes: modules that hand over the library's handlers."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import django
import pytest
from django.utils import log

ROOT = Path(__file__).resolve().parents[3]
DOORS = {"worker": "batch", "dead_letter": "dead_letter", "sweeper": "sweep", "migrate": "migration"}


@pytest.mark.parametrize(("door", "behind"), DOORS.items())
def test_a_door_hands_over_the_handler_in_a_process_that_runs_django(door: str, behind: str) -> None:
    opened = import_module(f"lambdas.{door}")

    assert opened.handler is import_module(f"django_offload.worker.{behind}").handler


@pytest.mark.parametrize("door", DOORS)
def test_a_door_leaves_django_alone_where_it_runs_already(door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"lambdas.{door}", raising=False)
    # A second setup() would configure logging anew.
    monkeypatch.setattr(django, "setup", lambda: pytest.fail("Django was set up again"))
    monkeypatch.setattr(log, "configure_logging", lambda *args: pytest.fail("Django was set up again"))

    assert callable(import_module(f"lambdas.{door}").handler)


@pytest.mark.parametrize("door", DOORS)
def test_a_door_sets_django_up_in_a_process_that_has_nothing(door: str, tmp_path: Path) -> None:
    program = f"""
import lambdas.{door} as door
from django.apps import apps
print(apps.ready, callable(door.handler))
"""
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    environment["LAB_DATABASE"] = str(tmp_path / "lab.sqlite3")
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "django_app"), str(ROOT)])

    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.stdout, ran.stderr) == ("True True\n", "")
