"""Fixtures: the package of the reference site, and a deployment of only its stack."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy.errors import NotDeployed
from django_offload.deploy.release.deployment import Deployment
from django_offload.local.aws.local_aws import LocalAWS

from .project import Project
from .stacks import REGION, SETTINGS, deployment_of


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project") / "shop")


@pytest.fixture(scope="session")
def built(project: Project) -> dict[str, Any]:
    """The JSON that offload_package prints about the package for x86_64."""
    said: dict[str, Any] = json.loads(project.done("offload_package", "--json"))
    return said


@pytest.fixture(scope="session")
def package(built: dict[str, Any]) -> Path:
    return Path(built["path"])


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    aws = LocalAWS(in_process=True, background=False, region=REGION, templates={})
    with aws:
        yield aws


@pytest.fixture
def deployment(aws: LocalAWS, tmp_path: Path) -> Iterator[Deployment]:
    """Return a deployment of the stage dev. It is deleted after the test."""
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": SETTINGS}))
    made = deployment_of(tmp_path)
    yield made
    try:
        made.delete(with_data=True)
    except NotDeployed:
        return
