"""The folders of a project are project in every layout."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from django_offload.exceptions import ConfigurationError
from django_offload.stack import layout as module
from django_offload.stack.layout import layout, python_path


@pytest.fixture
def settings_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a function that creates a project with settings in a package, and returns its folder."""

    def make(folder: str, package: str) -> Path:
        source = (tmp_path / folder).resolve()
        (source / package).mkdir(parents=True)
        (source / package / "__init__.py").touch()
        monkeypatch.syspath_prepend(str(source))
        monkeypatch.setattr(module, "settings", SimpleNamespace(SETTINGS_MODULE=f"{package}.settings.base"))
        return source

    return make


def test_the_project_is_the_folder_of_its_settings(settings_in) -> None:
    source = settings_in("shop", "flat_site")

    project = layout()

    assert (project.root, project.source, project.settings_module) == (
        source,
        source,
        "flat_site.settings.base",
    )
    assert project.python_path == "/var/task"


def test_the_root_is_the_nearest_folder_that_looks_like_a_project(settings_in) -> None:
    source = settings_in("mono/shop/src", "nested_site")
    (source.parents[1] / ".git").mkdir()
    (source.parent / "pyproject.toml").touch()

    project = layout()

    assert project.root == source.parent
    assert project.python_path == python_path() == "/var/task/src"


def test_a_folder_far_above_is_not_the_root(settings_in) -> None:
    source = settings_in("a/b/c/shop", "deep_site")
    (source.parents[2] / ".git").mkdir()

    assert layout().root == source


def test_a_home_folder_is_not_the_root(settings_in, monkeypatch: pytest.MonkeyPatch) -> None:
    source = settings_in("home/shop", "home_site")
    (source.parent / ".git").mkdir()
    monkeypatch.setenv("HOME", str(source.parent))

    assert layout().root == source


def test_a_named_root_must_contain_the_project(settings_in, tmp_path: Path) -> None:
    source = settings_in("big/shop/src", "named_site")

    assert layout(tmp_path / "big").python_path == "/var/task/shop/src"
    with pytest.raises(ConfigurationError, match="Name a folder that contains the whole project"):
        layout(source / "named_site")


def test_settings_without_a_module_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "settings", SimpleNamespace())

    with pytest.raises(ConfigurationError, match="Name their module in DJANGO_SETTINGS_MODULE"):
        layout()
    assert python_path() == "/var/task"
