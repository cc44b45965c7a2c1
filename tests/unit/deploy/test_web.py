"""What Zappa is told beyond its own settings file."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from zappa.cli import ZappaCLI

from django_offload.conf import configured
from django_offload.deploy import web as web_module
from django_offload.deploy.errors import BadStage, WebFailed
from django_offload.deploy.stage import Stage
from django_offload.deploy.web import Web
from django_offload.deploy.zappa_settings import web_function, zappa_settings
from django_offload.stack.surroundings import Surroundings, Vpc

ROLE = "arn:aws:iam::123456789012:role/lab-dev-RoleWeb-1"
OF_THE_FUNCTIONS = {"PYTHONPATH": "/var/task/django_app", "OFFLOAD_STACK": "lab-dev", "OFFLOAD_SECRETS": "{}"}


class Client:
    """As much of AWS as the web side asks before it is deployed."""

    def get_paginator(self, name: str) -> Any:
        roles = [{"LogicalResourceId": "RoleWeb", "PhysicalResourceId": "lab-dev-RoleWeb-1"}]
        return SimpleNamespace(paginate=lambda **asked: [{"StackResourceSummaries": roles}])

    def get_role(self, *, RoleName: str) -> dict[str, Any]:
        return {"Role": {"Arn": f"arn:aws:iam::123456789012:role/{RoleName}"}}

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        return {"Environment": {"Variables": OF_THE_FUNCTIONS}}


def web(root: Path, vpc: Vpc | None) -> Web:
    stage = Stage(
        name="dev",
        region="eu-central-1",
        options=configured()["default"],
        surroundings=Surroundings(vpc=vpc),
    )
    aws: Any = SimpleNamespace(client=lambda service: Client())
    return Web(aws, stage, root, {"project_name": "lab", "manage_roles": True})


def test_zappa_gets_the_stacks_role_variables_and_network(tmp_path: Path) -> None:
    vpc = Vpc(subnets=("subnet-1", "subnet-2"), security_groups=("sg-1",))

    said = json.loads(web(tmp_path, vpc).write_settings().read_text())["dev"]

    assert said["role_arn"] == ROLE
    assert said["manage_roles"] is False
    assert said["aws_region"] == "eu-central-1"
    assert said["aws_environment_variables"] == OF_THE_FUNCTIONS
    assert said["vpc_config"] == {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}


def test_without_a_network_zappa_is_told_of_none(tmp_path: Path) -> None:
    said = json.loads(web(tmp_path, None).write_settings().read_text())["dev"]

    assert "vpc_config" not in said


def test_what_zappa_failed_with_and_how_to_go_on_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "zappa"
    script.write_text("#!/bin/sh\necho Calling undeploy\necho 'Error: no such role'\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(web_module, "zappa", lambda: str(script))

    with pytest.raises(WebFailed) as caught:
        web(tmp_path, None).undeploy()

    assert "zappa undeploy failed: Error: no such role. Mend it, then run: " in str(caught.value)


def test_a_stage_has_what_it_extends(tmp_path: Path) -> None:
    stages = {
        "dev": {"project_name": "lab", "memory_size": 512},
        "prod": {"extends": "dev", "memory_size": 1024},
    }
    (tmp_path / "zappa_settings.json").write_text(json.dumps(stages))

    assert zappa_settings(tmp_path, "prod") == {"project_name": "lab", "memory_size": 1024}
    with pytest.raises(BadStage, match=r"It has no stage 'qa'\. Add it, or use one of: dev, prod\."):
        zappa_settings(tmp_path, "qa")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"project_name": "lab-web"}, "lab-web-dev"),
        ({"project_name": "my_site"}, "my-site-dev"),
        ({"project_name": "Pies"}, "pies-dev"),
        ({}, "the-pies-of-my-dev"),  # The folder's, as far as Zappa takes it.
    ],
)
def test_the_web_function_is_named_as_zappa_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], name: str
) -> None:
    root = tmp_path / "The pies of my_aunt"
    root.mkdir()
    (root / "zappa_settings.json").write_text(json.dumps({"dev": {"aws_region": "us-east-1", **given}}))
    zappas = ZappaCLI()
    zappas.api_stage = "dev"
    monkeypatch.chdir(root)
    zappas.load_settings(session=boto3.session.Session(region_name="us-east-1"))

    assert web_function(zappa_settings(root, "dev"), "dev") == name
    assert zappas.lambda_name == name
