"""A fresh site of Wagtail, whose own tasks run in the workers of offload_local."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django import VERSION

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE_SECONDS = 300
# Those that send signals, the first with the results.
PACKAGES = ["django.tasks", "django_tasks"] if VERSION >= (6, 0) else ["django_tasks"]
SETTINGS = """
INSTALLED_APPS += ["django_offload", "django_tasks"]
TASKS = {
    "default": {
        "BACKEND": "django_offload.backends.SQSBackend",
        "OPTIONS": {"stack": "wagtail-dev"},
    }
}
"""

# Several workers write into one file. A transaction that reads first would be refused the lock at once.
PATIENT_DATABASE = 'DATABASES["default"]["OPTIONS"] = {"timeout": 60, "transaction_mode": "IMMEDIATE"}\n'


def run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the site's folder, which must succeed."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DJANGO"))}
    ran = subprocess.run(
        command,
        cwd=folder,
        env={**variables, "PYTHONPATH": f"{ROOT / 'django_app'}{os.pathsep}{folder}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Make a site, save a page of it beside `offload_local`, and return what became of the page's tasks."""
    folder = tmp_path_factory.mktemp("wagtail")
    run(folder, str(Path(sys.executable).with_name("wagtail")), "start", "shop", ".")
    shutil.copy(HERE / "receivers.py", folder / "home" / "apps.py")
    shutil.copy(HERE / "save_page.py", folder / "save_page.py")
    with (folder / "shop" / "settings" / "base.py").open("a") as settings:
        settings.write(SETTINGS + PATIENT_DATABASE)
    program = ("env", "DJANGO_SETTINGS_MODULE=shop.settings.dev", sys.executable, "save_page.py")

    ran = run(folder, sys.executable, "manage.py", "offload_local", "--", *program)

    (line,) = [line for line in ran.stdout.splitlines() if line.startswith('{"tasks"')]
    return json.loads(line)


def test_the_index_tasks_of_a_saved_page_end_successful(told):
    assert [errors for *_, errors in told["tasks"] if errors] == []
    assert {(name, status) for name, status, _ in told["tasks"]} == {
        ("insert_or_update_object_task", "SUCCESSFUL"),
        ("update_reference_index_task", "SUCCESSFUL"),
    }
    assert told["found"] == ["lambda"]


def test_wagtails_tasks_are_ours_and_their_results_are_those_of_this_django(told):
    assert (told["task"], told["backend"]) == ("OffloadTask", "SQSBackend")
    assert told["results"] == ["OffloadResult", f"{PACKAGES[0]}.base.TaskResult"]


def test_each_package_that_is_loaded_sends_each_signal_once(told):
    ids = {note.split()[2] for note in told["signals"]}

    assert len(ids) == len(told["tasks"])
    assert Counter(tuple(note.split()) for note in told["signals"]) == {
        (package, signal, task_id, "SQSBackend"): 1
        for package in PACKAGES
        for signal in ("task_enqueued", "task_started", "task_finished")
        for task_id in ids
    }


def test_a_mistake_in_tasks_is_reported_once(told):
    (problem,) = told["problems"]

    assert "OPTIONS has the unknown key 'stak'" in problem
