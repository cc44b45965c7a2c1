"""A copy of the project to deploy, with its own folder and its own stage file."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# These tests use their own region, because moto keeps its state per process.
REGION = "eu-central-1"
SECRET_KEY = "of-the-deployed-site-and-of-nobody-else"
MANAGE = "django_app/manage.py"
# Files in a developer's folder that must never leave it.
PLANTED = "a-secret-that-lies-beside-the-code"
SECRET_FILES = (
    *(".env", "django_app/.env", "django_app/lab/production.env", "lambdas/.env"),
    *("django_app/lab/id_ed25519", "django_app/lab/db.sqlite3", "django_app/lab/secret.key"),
)
PATIENCE_SECONDS = 300


class Project:
    """The folder and the commands of a project."""

    def __init__(self, root: Path, source: Path = ROOT) -> None:
        self.root = root
        ignored = shutil.ignore_patterns("__pycache__", "staticfiles", "*.egg-info")
        for name in ("django_app", "lambdas"):
            shutil.copytree(source / name, root / name, ignore=ignored)
        for name in ("pyproject.toml", "zappa_settings.json"):
            shutil.copy(source / name, root)
        (root / "infra").mkdir()
        for name in SECRET_FILES:
            self.write(name, PLANTED)
        self.stage()

    def stage(self, **changes: Any) -> None:
        """Write infra/dev.json."""
        said = json.loads((ROOT / "infra" / "dev.json").read_text())
        # On AWS, debug mode is off by default.
        said |= {"region": REGION, "environment": {"DEBUG": "0", "ALLOWED_HOSTS": "site.example"}}
        (self.root / "infra" / "dev.json").write_text(json.dumps({**said, **changes}))

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a management command, as at a terminal that nobody sits at."""
        return subprocess.run(
            [sys.executable, MANAGE, *arguments],
            cwd=self.root,
            env={
                **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
                "LAB_DATABASE": str(self.root / "lab.sqlite3"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def zappa(self, *arguments: str, **environment: str) -> str:
        """Run Zappa's own command, which must succeed; return what it says."""
        ran = subprocess.run(
            [Path(sys.executable).with_name("zappa"), *arguments],
            cwd=self.root,
            env={**os.environ, "AWS_DEFAULT_REGION": REGION, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def done(self, *arguments: str, **environment: str) -> str:
        """Run a management command that must succeed; return what it says."""
        ran = self.run(*arguments, **environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


def files_with(text: str, package: Path) -> list[str]:
    """Return the files of a package that contain a text."""
    with zipfile.ZipFile(package) as archive:
        return [name for name in archive.namelist() if text.encode() in archive.read(name)]
