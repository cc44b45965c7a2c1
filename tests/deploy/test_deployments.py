"""Deployments to local AWS: their traces, their refusals and their output."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from django_offload.deploy.errors import NotDeployed, WrongPackage
from django_offload.deploy.package.archive import read_archive
from django_offload.deploy.release.deployment import Deployment
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.management.commands import offload_deploy
from django_offload.stack.layout import Layout
from tests.unit.management.commands import run

from .stacks import REGION, SETTINGS, buckets, deploy, deployment_of, package, stacks, templates


def test_a_dry_run_of_a_first_deployment_leaves_nothing(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    _, change = deployment.prepare(package(tmp_path, "one"), dry_run=True)
    assert change is not None
    assert change.creates

    deployment.cancel(change)

    assert (buckets(aws), stacks(aws)) == ([], [])


def test_a_dry_run_of_a_later_deployment_changes_nothing(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    deploy(deployment, package(tmp_path, "one"))
    before = templates(aws, deployment)
    later = deployment_of(tmp_path, environment={"NEW": "1"})

    _, change = later.prepare(package(tmp_path, "two"), dry_run=True)
    assert len(templates(aws, deployment)) == len(before) + 1
    later.cancel(change)

    assert templates(aws, deployment) == before
    assert stacks(aws) == ["lab-dev"]


def test_a_bucket_without_a_stack_can_be_deleted(aws: LocalAWS, deployment: Deployment) -> None:
    deployment.releases.make_bucket()

    deployment.delete(with_data=False)

    assert buckets(aws) == []
    with pytest.raises(NotDeployed, match="does not exist"):
        deployment.delete(with_data=False)


@pytest.mark.parametrize(
    ("name", "held", "parameters", "said"),
    [
        (
            "shop/__pycache__/a.cpython-312.pyc",
            b"",
            {"Architecture": "arm64"},
            "is built for python3.12, but the functions of the stage 'dev' use python3.13. Nothing was "
            "changed. Build a new package with manage.py offload_package --stage dev --architecture arm64, "
            "or deploy without --package.",
        ),
        (
            "shop/native.so",
            b"\x7fELF" + bytes(14) + b"\xb7\x00",
            {},
            "is built for arm64, but the functions of the stage 'dev' use x86_64. Nothing was changed. Build "
            "a new package with manage.py offload_package --stage dev --architecture x86_64, or deploy "
            "without --package.",
        ),
    ],
)
def test_a_package_for_another_runtime_or_processor_is_refused(
    aws: LocalAWS,
    deployment: Deployment,
    tmp_path: Path,
    name: str,
    held: bytes,
    parameters: dict[str, str],
    said: str,
) -> None:
    deployment.stage = replace(deployment.stage, parameters=parameters)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(name, held)

    with pytest.raises(WrongPackage) as caught:
        deployment.prepare(read_archive(tmp_path / "x.zip"))

    assert str(caught.value) == f"{tmp_path}/x.zip {said}"
    assert (buckets(aws), stacks(aws)) == ([], [])


def test_with_data_deletes_table_and_bucket(aws: LocalAWS, deployment: Deployment, tmp_path: Path) -> None:
    deploy(deployment, package(tmp_path, "one"))
    bucket = f"lab-dev-payloads-{deployment.aws.account}-{REGION}"
    aws.server.client("s3").put_object(Bucket=bucket, Key="results/1", Body=b"1")
    assert deployment.releases.bucket in buckets(aws)

    deployment.delete(with_data=True)

    assert buckets(aws) == []
    assert aws.server.client("dynamodb").list_tables()["TableNames"] == []
    assert stacks(aws) == []


def test_a_deployment_takes_back_table_and_bucket_with_their_content(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    record = {"id": {"S": "1"}, "part": {"S": "record"}, "state": {"S": "SUCCESSFUL"}}
    bucket = f"lab-dev-payloads-{deployment.aws.account}-{REGION}"
    dynamodb, s3 = aws.server.client("dynamodb"), aws.server.client("s3")
    deploy(deployment, package(tmp_path, "one"))
    dynamodb.put_item(TableName="lab-dev-tasks", Item=record)
    s3.put_object(Bucket=bucket, Key="payloads/1", Body=b"result")
    deployment.delete(with_data=False)
    assert stacks(aws) == []

    deploy(deployment, package(tmp_path, "two"))

    assert stacks(aws) == ["lab-dev"]
    assert dynamodb.scan(TableName="lab-dev-tasks")["Items"] == [record]
    assert s3.get_object(Bucket=bucket, Key="payloads/1")["Body"].read() == b"result"
    # They belong to the new stack, as they did to the old one.
    assert set(deployment.retained_resources().values()) == {"lab-dev-tasks", bucket}


def test_another_stages_stack_is_refused_by_every_command(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = package(tmp_path, "one")
    deploy(deployment, code)
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "prod.json").write_text(json.dumps({"region": REGION}))
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"prod": SETTINGS}))
    place = Layout(root=tmp_path, source=tmp_path, settings_module="config.settings")
    monkeypatch.setattr(offload_deploy, "layout", lambda: place)
    monkeypatch.setenv("OFFLOAD_STAGE", "prod")
    command = ("offload_deploy", "--stage", "prod", "--package", str(code.path), "--yes")

    ended = [run(*command, *way) for way in ((), ("--dry-run",), ("--rollback",), ("--delete",))]

    assert {exit_code for exit_code, _ in ended} == {2}
    said = "The stack lab-dev belongs to the stage 'dev', and the stage 'prod' would replace it."
    assert all(sentence.startswith(said) for _, sentence in ended)


def test_a_deployment_names_variables_that_workers_lack(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = package(tmp_path, "one")
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "dev.json").write_text(json.dumps({"region": REGION}))
    settings = {**SETTINGS, "environment_variables": {"OVEN": "hot"}}
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": settings}))
    place = Layout(root=tmp_path, source=tmp_path, settings_module="config.settings")
    monkeypatch.setattr(offload_deploy, "layout", lambda: place)
    monkeypatch.setattr(offload_deploy, "check", lambda place, stage, *, web, announce: [])
    monkeypatch.setenv("OFFLOAD_STAGE", "dev")
    command = ("offload_deploy", "--package", str(code.path), "--dry-run")

    said, without_web = run(*command)[1], run(*command, "--no-web")[1]

    assert "the web side of the stage 'dev' variables that its workers lack: OVEN. Add" in said
    assert "OVEN" not in without_web


def test_zappas_api_gateway_has_a_stack_of_its_own(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    code = package(tmp_path, "one")
    deploy(deployment, code)
    deployment.web.write_settings()

    said = [
        deployment.web.deploy(deployment.releases.bucket, f"code/{code.sha256}.zip")
        for _ in ("deploy", "update")
    ]

    assert sorted(stacks(aws)) == ["lab-dev", "lab-web-dev"]
    assert "dynamodb" in aws.server.client("cloudformation").get_template(StackName="lab-dev")["TemplateBody"]
    address = deployment.outputs()["Address"]
    assert address.startswith("https://")
    assert [lines[-1].endswith(f": {address}") for lines in said] == [True, True]
    deployment.web.undeploy()
    assert stacks(aws) == ["lab-dev"]
    assert "Address" not in deployment.outputs()


def test_the_command_restarts_itself_after_python_m_django() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "django", "offload_deploy", "--stage", "nowhere"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "infra/nowhere.json: It cannot be read" in ran.stderr
    assert ran.returncode == 2
