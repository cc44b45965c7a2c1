"""The package of the reference site, built once from a copy of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from .project import Project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project") / "shop")


@pytest.fixture(scope="session")
def built(project: Project) -> dict[str, Any]:
    """What offload_package says of the package for x86_64."""
    said: dict[str, Any] = json.loads(project.done("offload_package", "--json"))
    return said


@pytest.fixture(scope="session")
def package(built: dict[str, Any]) -> Path:
    return Path(built["path"])
