"""No file that git ignores gets into the package, wherever the settings look for it."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import django_offload
from django_offload.deploy.environment import FunctionFacts
from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package.static_files import collect
from django_offload.deploy.package.static_sources import StaticSources
from django_offload.stack.stage_environment import NO_STAGE_ENVIRONMENT

from .repositories import git, write
from .wheels import write_wheel

LIBRARY = str(Path(django_offload.__file__).parents[1])
PLANTED = "what git ignores"
SETTINGS = """
import os, sys
from pathlib import Path

HERE, SHELL = Path({root!r}), Path(os.environ["PWD"])
BASE_DIR = Path(__file__).resolve().parent
sys.path += [{root!r}, {beside!r}, {library!r}]
SECRET_KEY = "of-the-tests"
assert os.environ.get("AWS_REGION") == ("eu-central-1" if "LAMBDA_TASK_ROOT" in os.environ else None)
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles"]
INSTALLED_APPS += ["django.contrib.admin", "django_offload", "private", "shared"]
STATIC_ROOT, STATIC_URL, MEDIA_ROOT = BASE_DIR / "collected", "static/", HERE / "uploads"
STATICFILES_DIRS = [HERE / "assets", SHELL / "more", ("of_shop", HERE / "shop" / "data"), BASE_DIR / "built"]
STATICFILES_FINDERS = [f"django.contrib.staticfiles.finders.{{name}}Finder" for name in (
    "FileSystem", "AppDirectories", "DefaultStorage")]
STORAGES = {{
    "default": {{"BACKEND": "django.core.files.storage.FileSystemStorage"}},
    "staticfiles": {{"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}},
}}
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [HERE / "templates"]}}]
LOCALE_PATHS = FIXTURE_DIRS = [str(HERE / "shop")]
"""
MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "shop_settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
ZAPPA = '{"dev": {"django_settings": "shop_settings", "lambda_handler": "lambdas.web.handler"}}'
IGNORED = (
    *("assets/customers.csv", "assets/img/own.json", "more/local.js", "shop/data/customers.csv"),
    *("uploads/passport.jpg", "private/static/private.js", "private/__init__.py", "built/site.js"),
)
TRACKED = ("assets/site.css", "assets/img/logo.svg", "more/more.js", "shop/data/prices.csv")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose settings lead to its own folder by absolute paths, and to another repository."""
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    root, beside = tmp_path / "site", tmp_path / "beside"
    write(root, dict.fromkeys(IGNORED, f"# {PLANTED}\n"))
    write(root, dict.fromkeys(TRACKED, "/* tracked */"))
    settings = SETTINGS.format(root=str(root), beside=str(beside), library=LIBRARY)
    write(root, {"shop_settings.py": settings, "manage.py": MANAGE})
    write(root, {"zappa_settings.json": ZAPPA, "requirements.txt": "apig-wsgi\n"})
    write(root, {"infra/dev.json": '{"region": "eu-central-1"}'})
    monkeypatch.delenv("AWS_REGION", raising=False)
    write(root, {".gitignore": "\n".join(IGNORED)})
    write(beside, {"shared/__init__.py": "", "shared/static/a.js": "", ".gitignore": "*.csv\n"})
    write(beside, {"shared/static/b.csv": PLANTED})
    for folder in (root, beside):
        git(folder, "init", "-q")
        git(folder, "add", ".")
    write_wheel(tmp_path / "wheels", "apig-wsgi", version="2.20")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return root


def test_static_files_that_absolute_paths_lead_to_are_those_that_git_tracks(root: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "offload_package", "--skip-checks"],
        cwd=root,
        env={**os.environ, "PWD": str(root), "PYTHONPATH": LIBRARY},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    with zipfile.ZipFile(root / "dist" / "dev-x86_64.zip") as archive:
        names = set(archive.namelist())
        leaked = [name for name in names if PLANTED.encode() in archive.read(name)]
    assert leaked == []
    assert {f"collected/{name}" for name in ("site.css", "img/logo.svg", "more.js", "a.js")} <= names
    assert {"collected/of_shop/prices.csv", "collected/admin/css/base.css"} <= names
    (line,) = (line for line in ran.stdout.splitlines() if "not in git, so not collected: " in line)
    assert line.startswith("  not in git, so not collected: assets/customers.csv, ")
    assert {*line.partition(": ")[2].split(", ")} >= {"shop/data/customers.csv", "private/static/private.js"}
    assert "  named by STATICFILES_DIRS, but not packaged: built" in ran.stdout


def test_processors_of_static_files_find_only_what_git_tracks(root: Path) -> None:
    class Storage:
        def path(self, name: str) -> str:
            raise NotImplementedError

    class Finder:
        def find(self, path: str, find_all: bool = False) -> list[str] | str:
            return [str(root / path)] if find_all else str(root / path)

        def list(self, ignore_patterns: object) -> Iterator[tuple[str, Storage]]:
            yield "of_a_bucket.css", Storage()

    finder: Any = Finder()
    StaticSources(root, ["assets/site.css"]).restrict([finder], root.parent / "task")

    assert [name for name, _ in finder.list(None)] == ["of_a_bucket.css"]
    assert finder.find("assets/site.css") == str(root / "assets/site.css")
    assert finder.find("assets/site.css", find_all=True) == [str(root / "assets/site.css")]
    assert finder.find("assets/customers.csv") == finder.find("assets/customers.csv", find_all=True) == []


def test_another_repository_that_git_refuses_is_an_error(root: Path) -> None:
    (root.parent / "beside" / ".git" / "HEAD").write_text("")

    with pytest.raises(PackageFailed) as caught:
        collect(root, "shop_settings", ".", NO_STAGE_ENVIRONMENT, FunctionFacts(region="eu-central-1"))

    assert str(caught.value).startswith(
        "The package was not built. The settings lead to static files in another repository. "
        f"{root.parent / 'beside'} is a git repository, but git failed: fatal: "
    )
