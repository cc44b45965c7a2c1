"""Which deployments become a release, and which release a rollback restores."""

from pathlib import Path

import pytest

from django_offload.deploy.errors import NotDeployed
from django_offload.deploy.release.deployment import Deployment, Steps
from django_offload.local.aws.local_aws import LocalAWS

from .stacks import ALONE, deploy, deployment_of, package


def test_deploying_the_same_again_makes_no_release(deployment: Deployment, tmp_path: Path) -> None:
    one, two = package(tmp_path, "one"), package(tmp_path, "two")
    first = deploy(deployment, one)
    second = deploy(deployment, two)

    again = deploy(deployment, two)

    assert again == second != first
    assert deployment.previous_release().id == first
    assert deployment.previous_release().code_key == f"code/{one.sha256}.zip"


@pytest.mark.parametrize("what", ["secrets", "environment"])
def test_a_rollback_skips_releases_with_the_same_code(
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

    back = changed("4").previous_release()

    assert (back.id, back.code_key) == (good, f"code/{one.sha256}.zip")
    deployment.apply(back, deployment.change(back), ALONE)
    with pytest.raises(NotDeployed) as caught:
        deployment.previous_release()
    assert str(caught.value) == (
        "The stack lab-dev has no earlier release with other code. Deploy the code you want instead. To "
        "undo a change of the stage's file, edit that file."
    )


def test_a_rollback_restores_the_functions_code(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    def code() -> bytes:
        return aws.server.package_of("lab-dev-sweeper")

    one, two = package(tmp_path, "one"), package(tmp_path, "two")
    deploy(deployment, one)
    deploy(deployment, two)
    assert code() == two.path.read_bytes()

    release = deployment.previous_release()
    deployment.apply(release, deployment.change(release), ALONE)

    assert code() == one.path.read_bytes()


def test_every_function_has_the_stages_runtime_and_a_rollback_restores_the_earlier_one(
    aws: LocalAWS, deployment: Deployment, tmp_path: Path
) -> None:
    def runtimes() -> set[str]:
        found = aws.server.client("lambda").list_functions()["Functions"]
        assert {"lab-web-dev", "lab-dev-migrate"} < {function["FunctionName"] for function in found}
        return {function["Runtime"] for function in found}

    with_web = Steps(web=True, migrations=False)
    deployment.stage.parameters["Runtime"] = "python3.12"  # type: ignore[index]
    deploy(deployment, package(tmp_path, "one"), with_web)
    assert runtimes() == {"python3.12"}

    del deployment.stage.parameters["Runtime"]  # type: ignore[attr-defined]
    deploy(deployment, package(tmp_path, "two"), with_web)
    assert runtimes() == {"python3.13"}

    release = deployment.previous_release()
    deployment.apply(release, deployment.change(release), with_web)
    assert runtimes() == {"python3.12"}


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
    later.cancel(change)

    assert release.id != first
    assert release.previous == first
