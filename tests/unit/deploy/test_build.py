"""The project's part of a package."""

import os
import subprocess
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy import zappa_settings
from django_offload.deploy.errors import BadStage
from django_offload.deploy.package import build as building
from django_offload.deploy.package.build import Recipe, build

from .wheels import write_wheel

SETTINGS = """
import pathlib
BASE_DIR = pathlib.Path(__file__).parent
SECRET_KEY = "of-the-tests"
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_ROOT, STATIC_URL = BASE_DIR / "collected", "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
(BASE_DIR / "debug.log").touch()
(BASE_DIR / "shop" / "cache.sqlite3").touch()
"""
FILES = {
    "shop_settings.py": SETTINGS,
    "static/help.md": "",
    "static/old.txt": "",
    "shop/__init__.py": "",
    "shop/local.py": "",
    "shop/own.py": "",
    "shop/prices.csv": "",
    "shop/old/a.txt": "",
    ".gitignore": "local.py\n",
    "requirements.txt": "apig-wsgi\nlib\nof-many-names\n",
}
INFO = ("METADATA", "RECORD", "top_level.txt")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    root = tmp_path / "site"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for command in ("init -q", "add -f .", "update-index --skip-worktree shop/own.py"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)  # noqa: S607
    write_wheel(tmp_path / "wheels", "apig-wsgi", version="2.20")
    write_wheel(tmp_path / "wheels", "of-many-names", {"unlisted/__init__.py": ""}, top_level=False)
    write_wheel(
        tmp_path / "wheels", "lib", {"lib/__init__.py": "", "lib/samples/a.csv": "", "lib/samples/a.txt": ""}
    )
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return root


def test_a_package_has_neither_what_settings_write_nor_what_zappa_would_leave_out(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {
        "project_name": "shop",
        "django_settings": "shop_settings",
        "lambda_handler": "lambdas.web.handler",
        "exclude": ["*.csv"],
        "exclude_glob": ["shop/old", "static/*.txt", "lib/**/*.txt", "/shop", "../task/shop"],
    }
    monkeypatch.setattr(building.zappa_settings, "zappa_settings", lambda root, stage: settings)
    recipe = Recipe(
        root=root,
        stage="dev",
        settings_module="shop_settings",
        source_root=".",
        requirements=root / "requirements.txt",
        architecture="x86_64",
        python="3.13",
        check_imports=False,
        include=("static/*",),
    )
    told: list[str] = []

    made = build(recipe, tmp_path / "site.zip", told.append)

    with zipfile.ZipFile(made.path) as archive:
        names = {name for name in archive.namelist() if "__pycache__" not in name and "-info/" not in name}
    assert names == {
        *("shop_settings.py", "static/help.md", "collected/help.md", "shop/__init__.py", "shop/local.py"),
        *("shop/own.py", "apig_wsgi.py", "lib/__init__.py", "handler.py", "zappa_settings.py"),
        *("offload_modules.json", "unlisted/__init__.py"),
    }
    monkeypatch.syspath_prepend(unzipped := tmp_path / "unzipped")
    with zipfile.ZipFile(made.path) as archive:
        archive.extractall(unzipped)
    found = {str(path): path.read_text() for path in metadata.files("lib") or ()}
    assert found.keys() == {"lib/__init__.py"} | {f"lib-1.0.dist-info/{name}" for name in INFO}
    assert "/samples/" not in found["lib-1.0.dist-info/RECORD"]
    assert metadata.packages_distributions()["unlisted"] == ["of-many-names"]
    assert "  packaged, although .gitignore names them: shop/local.py" in told
    assert "  packaged as they are here, although git overlooks changes of them: shop/own.py" in told


@pytest.mark.parametrize("value", ["*.csv", [1], [""], {"*.csv": True}])
@pytest.mark.parametrize("key", ["exclude", "exclude_glob"])
def test_patterns_are_a_list(key: str, value: object) -> None:
    with pytest.raises(BadStage, match=rf"'{key}' is not a list of patterns\. Write it as"):
        zappa_settings.patterns({key: value}, key)
    assert zappa_settings.patterns({key: None}, key) == ()
