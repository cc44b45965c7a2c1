"""Sample sites of Celery and Zappa run after the diff of offload_init --from is applied."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scaffold.environment import ROOT

SAMPLES = Path(__file__).parent / "samples"
MOST_LINES = 5
BACKEND = "django_offload.backends.SQSBackend"
# The smallest settings of a site.
SETTINGS = [
    'INSTALLED_APPS += ["django_offload"]',
    f'TASKS = {{"default": {{"BACKEND": "{BACKEND}", "OPTIONS": {{"stack": "x-dev"}}, "QUEUES": QUEUES}}}}',
]


def python(folder: Path, *arguments: str) -> str:
    """Run Python in a site's folder, where it must succeed. Return what it prints."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DJANGO"))}
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(ROOT / "django_app"), "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def configure(folder: Path, settings: str, *queues: str) -> int:
    """Add the settings to a site. Return the number of lines."""
    lines = [line.replace("QUEUES}", f"{list(queues)}}}") for line in SETTINGS]
    with (folder / settings).open("a") as file:
        file.write("\n".join(lines) + "\n")
    return len(lines)


def apply(folder: Path, diff: str) -> None:
    """Let git apply the output of the command, with its comments."""
    subprocess.run(["git", "apply", "-"], cwd=folder, input=diff, text=True, check=True)  # noqa: S607


def added(diff: str) -> int:
    return sum(line.startswith("+") and not line.startswith("+++ ") for line in diff.splitlines())


@pytest.fixture(scope="module")
def pies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample site that uses Zappa."""
    return Path(shutil.copytree(SAMPLES / "zappa", tmp_path_factory.mktemp("samples") / "zappa"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample site that uses Celery."""
    return Path(shutil.copytree(SAMPLES / "celery", tmp_path_factory.mktemp("samples") / "celery"))


def test_a_zappa_site_needs_at_most_five_new_lines(pies: Path) -> None:
    python(pies, "use.py")  # With Zappa's own decorator.
    lines = configure(pies, "pies/settings.py", "default")
    before = {path: path.read_bytes() for path in pies.rglob("*.py")}

    printed = python(pies, "manage.py", "offload_init", "--from", "zappa")

    assert lines + added(printed) <= MOST_LINES
    assert {path: path.read_bytes() for path in pies.rglob("*.py")} == before
    assert printed.startswith("# 3 lines change in 2 files; 0 to decide.")

    apply(pies, printed)
    python(pies, "use.py", "offload")

    assert added(python(pies, "manage.py", "offload_init", "--from", "zappa")) == 0


def test_a_celery_site_runs_after_the_diff_is_applied(shop: Path) -> None:
    configure(shop, "shop/settings.py", "default", "slow")

    printed = python(shop, "manage.py", "offload_init", "--from", "celery")
    apply(shop, printed)
    python(shop, "use.py")

    decide = [line.partition(": ")[0] for line in printed.splitlines() if line.startswith("# ")][1:]
    assert decide == [
        "# orders/closing.py:9",  # A chain.
        "# orders/tasks.py:34",  # rate_limit
        "# orders/views.py:11",  # priority
        "# orders/views.py:18",  # Celery's states have other names.
        "# shop/celery.py:5",  # The app.
        "# shop/celery.py:6",  # Its schedule.
    ]
    assert "@task has no option for: rate_limit." in printed
    assert "import shared_task" not in (shop / "orders/tasks.py").read_text()
    assert "from celery import chain" in (shop / "orders/closing.py").read_text()


def test_json_has_the_changes_by_file(shop: Path) -> None:
    data = json.loads(python(shop, "manage.py", "offload_init", "--from", "celery", "--json"))

    assert data.keys() == {"changes", "notes"}
