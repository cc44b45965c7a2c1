"""What other terminals see of `offload_local`, and what it says of the tasks that end with it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LIBRARY = Path(__file__).parents[3] / "django_app"
PATIENCE_SECONDS = 120
REFUSAL = (
    "AWS was not reached: DEBUG is on, and no local AWS runs for this project. "
    "Start manage.py offload_local, or set OPTIONS['aws_in_debug'] = True in TASKS['default'] "
    "and TASKS['direct']."
)
# As startproject writes them: DEBUG is on, and LOGGING is Django's own.
SETTINGS = """
DEBUG = True
SECRET_KEY = "of these tests"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = [
    "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.messages",
    "django.contrib.sessions", "django_offload", "orders",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
OPTIONS = {"stack": "shop-dev"}
TASKS = {
    "default": {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": OPTIONS},
    "direct": {"BACKEND": "django_offload.backends.LambdaBackend", "OPTIONS": OPTIONS},
}
"""
URLS = """
from django.contrib import admin
from django.urls import path
urlpatterns = [path("admin/", admin.site.urls)]
"""
TASKS = """
import logging
from django_offload import task

logger = logging.getLogger(__name__)

@task
def add(a, b):
    logger.info("adding %s and %s", a, b)
    return a + b

@task(max_attempts=1)
def broken():
    raise ValueError("no such order")
"""
MANAGE = """
import sys
from django.core.management import execute_from_command_line
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
"""
# What a developer does in a shell: enqueue, look at the board, run a command. It prints what came of each.
PROGRAM = """
import io, json, os, sys, time
from datetime import timedelta
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from orders.tasks import add, broken

found = {}

def outcome(call):
    try:
        return call()
    except Exception as exc:
        return f"{type(exc).__name__}: {exc}"

def command(*words):
    out = io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=out)
    except (CommandError, SystemExit) as exc:
        return str(exc)
    return out.getvalue()

environment = dict(os.environ)
deferred, mode = int(sys.argv[1]), sys.argv[2]
later = timezone.now() + timedelta(hours=1)
for _ in range(deferred):
    found["default"] = outcome(lambda: add.using(run_after=later).enqueue(1, 2).status)
if mode in ("look", "work"):
    found["direct"] = outcome(lambda: add.using(backend="direct").enqueue(1, 2).status)
    found["status"] = command("offload_status")
    found["dead"] = command("offload_dead", "list")
    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    page = client.get("/admin/django_offload/task/")
    found["board"] = [page.status_code, page.content.decode()]
if mode == "work":
    results = [add.enqueue(3, 4), broken.enqueue()]
    while not all(result.is_finished for result in results):
        time.sleep(0.05)
        for result in results:
            result.refresh()
    found["ids"] = [result.id for result in results]
    report = io.StringIO()
    try:
        call_command("offload_doctor", "--probe", "--json", stdout=report)
    except SystemExit:
        pass  # The settings of this project have findings of their own.
    found["probe"] = json.loads(report.getvalue())
found["same environment"] = environment == dict(os.environ)
print(json.dumps(found))
"""


class Project:
    """A project on disk, whose commands run in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "manage.py").write_text(MANAGE)
        for package, files in {
            "shop": {"settings.py": SETTINGS, "urls.py": URLS},
            "orders": {"tasks.py": TASKS},
        }.items():
            (folder / package).mkdir()
            for name, text in {"__init__.py": "", **files}.items():
                (folder / package / name).write_text(text)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "OFFLOAD_"))}
        # Whoever calls AWS in spite of everything gets no answer here.
        self.environment = kept | {
            "PYTHONPATH": f"{folder}:{LIBRARY}",
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "REAL",
            "AWS_SECRET_ACCESS_KEY": "real",
        }

    def shell(self, deferred: int, mode: str, where: str = ".") -> dict[str, Any]:
        """Run PROGRAM in another terminal, and return what it found."""
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(deferred), mode],
            cwd=self.folder / where,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
        return found


class Local:
    """A running `offload_local --services-only`."""

    def __init__(self, project: Project, name: str) -> None:
        self._output = project.folder / name
        log = self._output.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "offload_local", "--services-only", "--concurrency", "1"],
            cwd=project.folder,
            env=project.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        log.close()
        self.wait_for(lambda: "is ready after" in self.output)

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_other_terminals_find_it_and_its_end_says_what_is_forgotten(project: Project) -> None:
    refused = project.shell(1, "look")
    assert refused["default"] == refused["direct"] == f"LocalAWSMissing: {REFUSAL}"
    assert refused["status"] == refused["dead"] == REFUSAL
    status, page = refused["board"]
    assert status == 503
    assert "Start manage.py offload_local, or set" in page
    assert "BoardEnabled" not in page

    first = Local(project, "first")
    try:
        # Its folder is found from a folder below.
        (project.folder / "orders" / "below").mkdir()
        found = project.shell(2, "work", where="orders/below")
        assert (found["default"], found["direct"]) == ("READY", "READY")
        assert "stack shop-dev, records due: 0" in found["status"]
        assert "not reached" not in found["dead"]
        assert found["board"][0] == 200
        assert found["same environment"]
        assert_readable(first.output, *found["ids"])
        assert_probed(found["probe"])
        unfinished = project.folder / ".offload" / "unfinished"
        first.wait_for(lambda: unfinished.is_file() and json.loads(unfinished.read_text())["deferred"] == 2)
        assert (project.folder / ".offload" / ".gitignore").read_text() == "*\n"
    finally:
        first.process.kill()
        first.process.wait()

    # The file is still there, but nobody answers for it.
    assert (project.folder / ".offload" / "env").exists()
    assert project.shell(1, "enqueue")["default"] == f"LocalAWSMissing: {REFUSAL}"

    second = Local(project, "second")
    try:
        forgotten = "The last offload_local forgot 2 accepted tasks (2 deferred). Enqueue"
        assert forgotten in second.output
        assert project.shell(1, "enqueue")["default"] == "READY"
        second.process.send_signal(signal.SIGINT)
        assert second.process.wait(PATIENCE_SECONDS) == 0
        assert "Forgotten with it: 1 accepted task (1 deferred)." in second.output
        assert not (project.folder / ".offload" / "env").exists()
    finally:
        second.process.kill()
        second.process.wait()


def assert_probed(report: dict[str, Any]) -> None:
    """Probes and a dead letter came back from processes of their own."""
    assert [found for found in report["findings"] if found["id"].startswith(("probe", "load"))] == []
    probes = report["probes"]["shop-dev"]
    assert {found["alias"] for found in probes["probes"]} == {"default", "direct"}
    assert probes["dead_letter_seconds"]["default"] > 0
    for found in probes["probes"]:
        assert found["through_bucket"]
        assert found["version"]
        assert found["memory"] == "512"
        assert found["queue_delay"] + found["run"] <= found["end_to_end"] + 0.001


def assert_readable(output: str, succeeded: str, failed: str) -> None:
    """Each state is there once, what the task logged too, and nothing else."""
    states = Counter(re.findall(r"Task id=(\w+) path=[\w.]+ state=(\w+)", output))
    for task_id, ending in ((succeeded, "SUCCESSFUL"), (failed, "FAILED")):
        assert states[task_id, "RUNNING"] == 1, output
        assert states[task_id, ending] == 1, output
    assert f"shop-dev-default-worker {succeeded[:8]}: INFO orders.tasks: adding 3 and 4\n" in output
    assert output.count("ValueError: no such order") == 1, output
    assert "Swept" not in output
    assert "GET " not in output
    assert "HEAD " not in output
