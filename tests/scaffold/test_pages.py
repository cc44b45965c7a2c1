"""The pages for those who come from elsewhere: the code of both sides is taken from them, and used."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scaffold.environment import ROOT, Environment

HERE = Path(__file__).parent
DOCS = ROOT / "django_app" / "docs" / "how_to"
OURS, BOTH = "django-offload", "both"
PAGES = {"celery": "Celery", "zappa": "Zappa", "django_tasks_db": "django-tasks-db", "django_q2": "django-q2"}
# What each side's settings need beside the lines of the page.
SETTINGS = """
SECRET_KEY = "of a page"
INSTALLED_APPS = ["orders"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
THEIRS = {
    "celery": "",
    "zappa": "",
    "django_tasks_db": "",
    "django_q2": """
INSTALLED_APPS += ["django_q"]
Q_CLUSTER = {"name": "shop", "sync": True, "orm": "default"}
""",
}
BACKEND = "django_offload.backends.SQSBackend"
MINE = f"""
INSTALLED_APPS += ["django_offload"]
TASKS = {{"default": {{"BACKEND": "{BACKEND}", "OPTIONS": {{"stack": "shop-dev"}}}}}}
"""
FILES = {
    "orders/carrier.py": """failures = [ConnectionError("the line is busy")]


def book(order):
    if failures:
        raise failures.pop()
""",
    "shop/celery.py": """from celery import Celery

app = Celery("shop", backend="cache+memory://", broker="memory://", set_as_current=True)
app.conf.update(task_always_eager=True, task_store_eager_result=True)
app.set_default()
""",
}
_BLOCK = re.compile(
    r"^```python\n# (?P<file>\S+), (?P<side>[^\n]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield file, side and code of every block of Python on a page."""
    text = (DOCS / f"from_{page}.md").read_text()
    found = list(_BLOCK.finditer(text))
    assert len(found) == text.count("```python"), "Begin each block with: # FILE, SIDE"
    for block in found:
        yield block["file"], block["side"], block["text"]


def site(folder: Path, page: str, side: str) -> Path:
    """Make the site of one side of a page."""
    (folder / "shop").mkdir()
    (folder / "orders").mkdir()
    more = THEIRS[page] if side != OURS else "" if page == "django_tasks_db" else MINE
    (folder / "shop" / "settings.py").write_text(SETTINGS + more)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    shutil.copytree(HERE / "pages", folder / "pages")
    for name, of, text in blocks(page):
        if of in (side, BOTH):
            with (folder / name).open("a") as file:
                file.write(text)
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_its_counterpart(page: str) -> None:
    sides: dict[str, set[str]] = {}
    for name, side, _ in blocks(page):
        sides.setdefault(name, set()).add(side)

    assert sides
    for name, of in sides.items():
        assert of in ({PAGES[page], OURS}, {BOTH}), f"{name} has {of}"


@pytest.mark.parametrize("page", PAGES)
def test_our_code_runs(page: str, tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "DJANGO"))}

    ran = subprocess.run(
        [sys.executable, "-m", "pages.ours", page],
        cwd=site(tmp_path, page, OURS),
        env={**kept, "PYTHONPATH": str(ROOT / "django_app"), "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout == "used\n", ran.stderr


@pytest.mark.parametrize("page", ["celery", "django_tasks_db", "django_q2"])
def test_their_code_runs(page: str, tmp_path: Path, elsewhere: Environment) -> None:
    ran = elsewhere.run(f"python -m pages.theirs {page}", site(tmp_path, page, PAGES[page]))

    assert ran.endswith("used\n")


def test_zappas_code_runs_too(tmp_path: Path) -> None:
    """With the Zappa of this environment, which deploys the reference site."""
    ran = subprocess.run(
        [sys.executable, "-m", "pages.theirs", "zappa"],
        cwd=site(tmp_path, "zappa", "Zappa"),
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout == "used\n", ran.stderr


@pytest.mark.parametrize("page", PAGES)
def test_every_block_compiles(page: str) -> None:
    for name, side, text in blocks(page):
        compile(text, f"{name}, {side}", "exec")
