"""The modules that AWS invokes, which export the library's handlers."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import django
import pytest
from django.utils import log

ROOT = Path(__file__).resolve().parents[3]
WORKER_MODULES = {"worker": "batch", "dead_letter": "dead_letter", "sweeper": "sweep", "migrate": "migration"}


@pytest.mark.parametrize(("name", "worker_module"), WORKER_MODULES.items())
def test_a_module_exports_the_handler_in_a_process_that_runs_django(name: str, worker_module: str) -> None:
    module = import_module(f"lambdas.{name}")

    assert module.handler is import_module(f"django_offload.worker.{worker_module}").handler


@pytest.mark.parametrize("name", WORKER_MODULES)
def test_a_module_does_not_set_django_up_a_second_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"lambdas.{name}", raising=False)
    # A second setup() would configure logging again.
    monkeypatch.setattr(django, "setup", lambda: pytest.fail("Django was set up again"))
    monkeypatch.setattr(log, "configure_logging", lambda *args: pytest.fail("Django was set up again"))

    assert callable(import_module(f"lambdas.{name}").handler)


@pytest.mark.parametrize("name", WORKER_MODULES)
def test_a_module_sets_django_up_in_a_fresh_process(name: str, tmp_path: Path) -> None:
    program = f"""
import lambdas.{name} as module
from django.apps import apps
print(apps.ready, callable(module.handler))
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
