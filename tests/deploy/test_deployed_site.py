"""The reference site, deployed by the command to local AWS, and driven through its package."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.postgresql import PostgreSQL

from .cloud import Cloud
from .project import REGION, SECRET_KEY, Project


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSQL) -> Iterator[Cloud]:
    cloud = Cloud(tmp_path_factory.mktemp("packages"), postgresql.new_database())
    try:
        yield cloud
    finally:
        cloud.close()


@pytest.fixture(scope="module")
def deployed(cloud: Cloud, project: Project, package: Path) -> str:
    """What the first deployment said."""
    said = project.done("offload_deploy", "--stage", "dev", "--yes", "--package", str(package))
    cloud.start()
    return said


def test_a_deployment_shows_what_it_changes_before_and_what_there_is_after(deployed: str) -> None:
    assert f"stack lab-dev, account 123456789012, {REGION}" in deployed
    assert re.search(r"Add +AWS::SQS::Queue +QueueDefault", deployed)
    assert "Applying lab.0001_initial... OK" in deployed
    assert "is deployed." in deployed


def test_its_pages_and_their_styles_come_out_of_the_package(cloud: Cloud, deployed: str) -> None:
    page = cloud.request("/")
    (css,) = re.findall(r'href="(/static/lab/site\.[0-9a-f]{12}\.css)"', page.text)
    style = cloud.request(css)

    assert page.status == 200
    assert style.status == 200
    assert style.headers["Content-Type"].startswith("text/css")
    assert "immutable" in style.headers["Cache-Control"]


def test_a_task_goes_from_its_page_over_the_queue_to_a_worker_of_the_same_package(
    cloud: Cloud, deployed: str
) -> None:
    accepted = cloud.post("/retries/", failures="0")
    status = cloud.ended(accepted)

    assert accepted.status == 202
    assert status["status"] == "SUCCESSFUL", status
    assert status["return_value"]["USD"] == "1.0842"
    web, worker = (cloud.aws.functions.find(name) for name in ("lab-dev", "lab-dev-default-worker"))
    assert web.code == worker.code


def test_no_secret_is_in_what_is_deployed(cloud: Cloud, deployed: str, project: Project) -> None:
    configured: list[Any] = cloud.client("lambda").list_functions()["Functions"]

    assert {function["FunctionName"] for function in configured} > {"lab-dev", "lab-dev-migrate"}
    assert SECRET_KEY not in str(configured)
    assert SECRET_KEY not in "\n".join(cloud.said)
    assert SECRET_KEY not in (project.root / ".offload" / "zappa-dev.json").read_text()
