"""A small project whose own tests use the fixtures."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIBRARY = HERE.parents[1] / "django_app"
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs tests of the project in a new process."""
    shutil.copytree(HERE / "project", pytester.path, dirs_exist_ok=True)
    monkeypatch.setenv("PYTHONPATH", str(LIBRARY))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_subprocess("-p", "django_offload.pytest_plugin", *arguments, timeout=120)

    return run
