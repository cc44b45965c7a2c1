"""Sample sites of Celery and Zappa run after the diff of offload_init --from is applied."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scaffold.environment import ROOT, Environment

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


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the sample site that uses Celery."""
    return Path(shutil.copytree(SAMPLES / "celery", tmp_path / "celery"))


@pytest.fixture
def shop_of_celery(shop: Path) -> Path:
    """Return the same site with our app, but with everything still on Celery."""
    configure(shop, "shop/settings.py", "default", "slow")
    return shop


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


def test_a_celery_site_runs_before_and_after_the_diff_and_once_all_is_moved(
    shop: Path, elsewhere: Environment
) -> None:
    with_both = f"PYTHONPATH={ROOT / 'django_app'} AWS_DEFAULT_REGION=us-east-1 python use.py"
    assert elsewhere.run("python use.py celery", shop) == "used\n"

    configure(shop, "shop/settings.py", "default")
    found = json.loads(python(shop, "manage.py", "offload_init", "--from", "celery", "--json"))
    printed = python(shop, "manage.py", "offload_init", "--from", "celery")
    with (shop / "shop/settings.py").open("a") as file:
        file.write(f"TASKS = {found['TASKS']}\n")
    apply(shop, printed)

    assert sorted(found["changes"]) == ["notes/tasks.py", "notes/views.py"]
    assert "celery" not in (shop / "notes/tasks.py").read_text()
    assert elsewhere.run(f"{with_both} both", shop) == "used\n"

    shutil.copytree(SAMPLES / "celery_moved", shop, dirs_exist_ok=True)
    (shop / "shop/celery.py").unlink()
    (shop / "use.py").write_text((shop / "use.py").read_text().replace("shop.celery", "shop.urls"))
    python(shop, "use.py", "offload")
    (shop / "use.py").unlink()

    found = json.loads(python(shop, "manage.py", "offload_init", "--from", "celery", "--json"))
    assert (found["changes"], found["notes"], found["unknown"]) == ({}, [], [])
    assert python(shop, "manage.py", "offload_init", "--from", "celery").splitlines()[1:] == [
        "# 11 modules read. None of them uses Celery."
    ]


def test_the_report_groups_places_by_idiom_and_ends_with_the_setting(shop_of_celery: Path) -> None:
    printed = python(shop_of_celery, "manage.py", "offload_init", "--from", "celery")

    comments = printed.partition("--- a/")[0].splitlines()
    assert all(line.startswith("#") for line in comments)
    assert comments[0] == (
        "# 8 lines change in 2 files; 34 to decide. Nothing was changed. Apply the diff with git apply or in "
        "your editor."
    )
    place = comments.index("# apply_async(priority=)")
    assert comments[place + 1].startswith("#     SQS has no priorities.")
    assert comments[place + 2] == "#     orders/views.py:11"
    assert "#     orders/tasks.py:17: stays, because a text names it" in comments
    setting = "\n".join(line.removeprefix("#").removeprefix("     ") for line in comments[-20:])
    assert '"QUEUES": ["default", "slow"],' in setting
    assert '"nightly": {"task": "orders.tasks.ship", "when": "rate(1 day)", "args": [1]}' in setting


def test_files_that_cannot_be_read_are_named(shop_of_celery: Path) -> None:
    (shop_of_celery / "old.py").write_text("print 1\n")
    (shop_of_celery / "venv").mkdir()

    printed = python(shop_of_celery, "manage.py", "offload_init", "--from", "celery")
    data = json.loads(python(shop_of_celery, "manage.py", "offload_init", "--from", "celery", "--json"))

    assert "# Not read:\n#     old.py can't be parsed (line 1: " in printed
    assert data["unread"].keys() == {"old.py", "venv"}


def test_json_has_the_changes_by_file(tmp_path: Path, shop_of_celery: Path) -> None:
    pies = Path(shutil.copytree(SAMPLES / "zappa", tmp_path / "zappa"))
    configure(pies, "pies/settings.py", "default")
    zappa = json.loads(python(pies, "manage.py", "offload_init", "--from", "zappa", "--json"))
    celery = json.loads(python(shop_of_celery, "manage.py", "offload_init", "--from", "celery", "--json"))

    assert zappa.keys() == {"changes", "notes", "unread"}
    assert celery.keys() == {"changes", "notes", "unread", "renamed", "idioms", "unknown", "TASKS"}
    assert celery["idioms"]["apply_async(priority=)"]["places"] == ["orders/views.py:11"]
    assert any(note.startswith("orders/views.py:11: SQS has no priorities.") for note in celery["notes"])
