"""What a deployment leaves behind, and what becomes a release, on local AWS without packages that run."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_offload.conf import configured
from django_offload.deploy.archive import Archive, existing
from django_offload.deploy.aws import AWS
from django_offload.deploy.deployment import Deployment, Steps
from django_offload.deploy.errors import NotDeployed, WrongPackage
from django_offload.deploy.stage import Stage
from django_offload.local.local_aws import LocalAWS
from django_offload.management.commands import offload_deploy
from django_offload.stack.layout import Layout
from django_offload.stack.surroundings import Surroundings
from tests.unit.management.commands import run

# The tests of the deployed site, of the package and of the policies have stacks of this name elsewhere.
REGION = "eu-north-1"
SETTINGS = {
    "project_name": "lab-web",
    "django_settings": "config.settings",
    "s3_bucket": "lab-dev-zappa",
    "apigateway_enabled": True,
    "keep_warm": False,
    "touch": False,
}
ALONE = Steps(web=False, migrations=False)


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAWS]:
    aws = LocalAWS(in_process=True, background=False, region=REGION, templates={})
    with aws:
        yield aws


@pytest.fixture
def deployment(aws: LocalAWS, tmp_path: Path) -> Iterator[Deployment]:
    """Return a deployment of the stage dev; nothing of it is left after the test."""
    (tmp_path / "zappa_settings.json").write_text(json.dumps({"dev": SETTINGS}))
    made = deployment_of(tmp_path)
    yield made
    try:
        made.delete(with_data=True)
    except NotDeployed:
        return


def deployment_of(root: Path, **surroundings: Any) -> Deployment:
    stage = Stage(
        name="dev",
        region=REGION,
        options=configured()["default"],
        surroundings=Surroundings(**surroundings),
    )
    place = Layout(root=root, source=root, settings_module="config.settings")
    return Deployment(AWS(REGION), stage, place, lambda line: None)


def package(folder: Path, text: str) -> Archive:
    path = folder / f"{text}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("code.py", text)
    return existing(path)


def deploy(deployment: Deployment, code: Archive) -> str:
    """Deploy the stack alone; return the id of the release."""
    release, change = deployment.prepare(code)
    deployment.releases.put_package(code)
    deployment.apply(release, change, ALONE)
    return release.id


def buckets(aws: LocalAWS) -> list[str]:
    found = [bucket["Name"] for bucket in aws.server.client("s3").list_buckets()["Buckets"]]
    return [name for name in found if name.endswith(REGION)]


def stacks(aws: LocalAWS) -> list[str]:
    said = aws.server.client("cloudformation").describe_stacks()["Stacks"]
    return [stack["StackName"] for stack in said]


def templates(aws: LocalAWS, deployment: Deployment) -> list[str]:
    said = aws.server.client("s3").list_objects_v2(Bucket=deployment.releases.bucket)
    return [found["Key"] for found in said["Contents"] if found["Key"].startswith("templates/")]


def test_a_look_at_a_first_deployment_leaves_nothing(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    _, change = deployment.prepare(package(tmp_path, "one"), look=True)
    assert change is not None
    assert change.creates

    deployment.leave(change)

    assert (buckets(aws), stacks(aws)) == ([], [])


def test_a_look_at_a_later_deployment_leaves_what_was_there(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    deploy(deployment, package(tmp_path, "one"))
    before = templates(aws, deployment)
    later = deployment_of(tmp_path, environment={"NEW": "1"})

    _, change = later.prepare(package(tmp_path, "two"), look=True)
    assert len(templates(aws, deployment)) == len(before) + 1
    later.leave(change)

    assert templates(aws, deployment) == before
    assert stacks(aws) == ["lab-dev"]


def test_what_came_to_nothing_can_be_deleted_though_there_is_no_stack(
    aws: LocalAWS, deployment: Deployment
) -> None:
    deployment.releases.make_bucket()

    deployment.delete(with_data=False)

    assert buckets(aws) == []
    with pytest.raises(NotDeployed, match="does not exist"):
        deployment.delete(with_data=False)


def test_the_same_deployed_again_is_no_release_so_that_going_back_leads_to_other_code(
    deployment: Deployment, tmp_path: Path
) -> None:
    one, two = package(tmp_path, "one"), package(tmp_path, "two")
    first = deploy(deployment, one)
    second = deploy(deployment, two)

    again = deploy(deployment, two)

    assert again == second != first
    assert deployment.before().id == first
    assert deployment.before().code_key == f"code/{one.sha256}.zip"


@pytest.mark.parametrize("what", ["secrets", "environment"])
def test_going_back_passes_over_releases_that_changed_no_code(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path, what: str
) -> None:
    def changed(value: str) -> Deployment:
        if what == "environment":
            return deployment_of(tmp_path, environment={"PRICE": value})
        aws.server.client("ssm").put_parameter(Name="/lab/key", Value=value, Type="String", Overwrite=True)
        return deployment_of(tmp_path, secrets={"SHOP_KEY": "ssm:/lab/key"})

    one, two = package(tmp_path, "one"), package(tmp_path, "two")
    deploy(changed("1"), one)
    good = deploy(changed("2"), one)
    deployed = [deploy(changed(value), two) for value in ("2", "3", "4")]
    assert len({good, *deployed}) == 4

    back = changed("4").before()

    assert (back.id, back.code_key) == (good, f"code/{one.sha256}.zip")
    deployment.apply(back, deployment.change(back), ALONE)
    with pytest.raises(NotDeployed) as caught:
        deployment.before()
    assert str(caught.value) == (
        "The stack lab-dev has no earlier release with other code. Deploy the code you want instead; what "
        "the stage's file says is changed back there."
    )


def test_going_back_gives_the_functions_the_code_they_had(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    def code() -> bytes:
        return aws.server.code_of("lab-dev-sweeper")

    one, two = package(tmp_path, "one"), package(tmp_path, "two")
    deploy(deployment, one)
    deploy(deployment, two)
    assert code() == two.path.read_bytes()

    release = deployment.before()
    deployment.apply(release, deployment.change(release), ALONE)

    assert code() == one.path.read_bytes()


@pytest.mark.parametrize("what", ["parameters", "template"])
def test_other_parameters_or_another_template_are_a_release(
    deployment: Deployment, tmp_path: Path, what: str
) -> None:
    code = package(tmp_path, "one")
    first = deploy(deployment, code)
    later = deployment_of(tmp_path, **({"environment": {"NEW": "1"}} if what == "template" else {}))
    if what == "parameters":
        later.stage.parameters["LogRetentionDays"] = "1"  # type: ignore[index]

    release, change = later.prepare(code)
    later.leave(change)

    assert release.id != first
    assert release.previous == first


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        (
            "shop/__pycache__/a.cpython-312.pyc",
            b"",
            "is built for python3.12, and the functions of the stage 'dev' are python3.13. Nothing was "
            "changed. Build it anew with manage.py offload_package --stage dev, or deploy without --package.",
        ),
        (
            "shop/native.so",
            b"\x7fELF" + bytes(14) + b"\xb7\x00",
            "is built for arm64, and the functions of the stage 'dev' are x86_64. Nothing was changed. Build "
            "it anew with manage.py offload_package --stage dev --architecture x86_64, or deploy without "
            "--package.",
        ),
    ],
)
def test_a_package_that_the_stages_functions_could_not_run_is_refused_before_anything_is_made(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path, name: str, held: bytes, said: str
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(name, held)

    with pytest.raises(WrongPackage) as caught:
        deployment.prepare(existing(tmp_path / "x.zip"))

    assert str(caught.value) == f"{tmp_path}/x.zip {said}"
    assert (buckets(aws), stacks(aws)) == ([], [])


def test_data_goes_only_where_that_is_asked_for(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    deploy(deployment, package(tmp_path, "one"))
    bucket = f"lab-dev-payloads-{deployment.aws.account}-{REGION}"
    aws.server.client("s3").put_object(Bucket=bucket, Key="results/1", Body=b"1")
    assert deployment.releases.bucket in buckets(aws)

    deployment.delete(with_data=True)

    assert buckets(aws) == []
    assert aws.server.client("dynamodb").list_tables()["TableNames"] == []
    assert stacks(aws) == []


def test_another_stage_is_refused_before_anything_is_made(
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
    said = "The stack lab-dev is that of the stage 'dev'; the stage 'prod' would replace it."
    assert all(sentence.startswith(said) for _, sentence in ended)


def test_an_api_gateway_of_zappas_stands_beside_the_stack(
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


def test_it_finds_itself_again_however_python_was_started() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "django", "offload_deploy", "--stage", "nowhere"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "infra/nowhere.json: It cannot be read" in ran.stderr
    assert ran.returncode == 2
