"""The settings that Zappa gets, and its commands."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from zappa.cli import ZappaCLI

from django_offload.conf import configured
from django_offload.deploy.errors import BadStage, WebFailed
from django_offload.deploy.package import web_handler
from django_offload.deploy.release import web as web_module
from django_offload.deploy.release.web import Web
from django_offload.deploy.stage import Stage
from django_offload.deploy.zappa_settings import web_function, zappa_settings
from django_offload.stack.stage_environment import StageEnvironment, Vpc

ROLE = "arn:aws:iam::123456789012:role/lab-dev-RoleWeb-1"
STACK_VARIABLES = {"PYTHONPATH": "/var/task/django_app", "OFFLOAD_STACK": "lab-dev", "OFFLOAD_SECRETS": "{}"}


class Client:
    """An AWS with a stack and a web function, which records the calls that change them."""

    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def __init__(self, **stack: Any) -> None:
        variables = {"Variables": dict(STACK_VARIABLES)}
        self.stack = {"Environment": variables, "Runtime": "python3.13", **stack}
        self.web = {"Environment": {"Variables": {}}, "Architectures": ["x86_64"]}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def get_paginator(self, name: str) -> Any:
        roles = [{"LogicalResourceId": "RoleWeb", "PhysicalResourceId": "lab-dev-RoleWeb-1"}]
        return SimpleNamespace(paginate=lambda **arguments: [{"StackResourceSummaries": roles}])

    def get_role(self, *, RoleName: str) -> dict[str, Any]:
        return {"Role": {"Arn": f"arn:aws:iam::123456789012:role/{RoleName}"}}

    def get_waiter(self, name: str) -> Any:
        return SimpleNamespace(wait=lambda **arguments: self.calls.append((name, arguments)))

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        return self.stack if FunctionName == "lab-dev-sweeper" else self.web

    def update_function_configuration(self, **arguments: Any) -> None:
        self.calls.append(("update_function_configuration", arguments))

    def update_function_code(self, **arguments: Any) -> None:
        self.calls.append(("update_function_code", arguments))


def web(root: Path, vpc: Vpc | None = None, client: Client | None = None, **settings: Any) -> Web:
    stage = Stage(
        name="dev",
        region="eu-central-1",
        options=configured()["default"],
        stage_environment=StageEnvironment(vpc=vpc),
        parameters=settings.pop("parameters", {}),
    )
    aws_client = client or Client()
    aws: Any = SimpleNamespace(client=lambda service: aws_client)
    return Web(aws, stage, root, {"project_name": "lab", "manage_roles": True, **settings})


@pytest.fixture
def fake_zappa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that replaces Zappa's command by a script."""

    def put(script: str) -> None:
        (tmp_path / "zappa").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "zappa").chmod(0o755)
        monkeypatch.setattr(web_module, "zappa_command", lambda: str(tmp_path / "zappa"))

    return put


def load_in_zappa(
    root: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], stage: str = "dev"
) -> ZappaCLI:
    """Return Zappa itself, after it has loaded a stage with these settings."""
    (root / "zappa_settings.json").write_text(json.dumps({stage: {"aws_region": "us-east-1", **settings}}))
    zappa_cli = ZappaCLI()
    zappa_cli.api_stage = stage
    monkeypatch.chdir(root)
    zappa_cli.load_settings(session=boto3.session.Session(region_name="us-east-1"))
    return zappa_cli


def test_zappa_gets_the_stacks_role_variables_and_network(tmp_path: Path) -> None:
    vpc = Vpc(subnets=("subnet-1", "subnet-2"), security_groups=("sg-1",))

    written = json.loads(web(tmp_path, vpc).write_settings().read_text())["dev"]

    assert written["role_arn"] == ROLE
    assert written["manage_roles"] is False
    assert written["aws_region"] == "eu-central-1"
    assert written["aws_environment_variables"] == STACK_VARIABLES
    assert written["vpc_config"] == {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}


def test_the_variables_of_zappas_handler_become_those_of_the_function(tmp_path: Path) -> None:
    own = {"OVEN": "hot", "SHELVES": 3, "PYTHONPATH": "/elsewhere", "AWS_REGION": "mars", "X": "1"}
    side = web(tmp_path, environment_variables=own, aws_environment_variables={"OVEN": "cold", "TILL": "1"})

    written = json.loads(side.write_settings().read_text())["dev"]["aws_environment_variables"]

    assert written == STACK_VARIABLES | {"TILL": "1", "OVEN": "hot", "SHELVES": "3"}


def test_without_a_vpc_zappa_gets_none(tmp_path: Path) -> None:
    written = json.loads(web(tmp_path, None).write_settings().read_text())["dev"]

    assert "vpc_config" not in written


@pytest.mark.parametrize("stages", [{}, {"Runtime": "python3.13", "Architecture": "x86_64"}])
def test_zappa_gets_the_stacks_runtime_and_processor_in_any_case(
    tmp_path: Path, stages: dict[str, str]
) -> None:
    """After a rollback, the stage's file is newer than the deployed stack."""
    client = Client(Runtime="python3.12", Architectures=["arm64"])
    web_side = web(tmp_path, client=client, parameters=stages, runtime="python3.11", architecture="x86_64")

    written = json.loads(web_side.write_settings().read_text())["dev"]

    assert (written["runtime"], written["architecture"]) == ("python3.12", "arm64")


def test_zappa_gets_the_stacks_kms_key(tmp_path: Path) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"

    written = json.loads(web(tmp_path, client=Client(KMSKeyArn=key)).write_settings().read_text())["dev"]

    assert written["aws_kms_key_arn"] == key


def test_unreadable_variables_are_an_error(tmp_path: Path) -> None:
    denied = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no kms:Decrypt"}}

    with pytest.raises(WebFailed) as caught:
        web(tmp_path, client=Client(Environment=denied)).write_settings()

    assert "you may not read the variables of lab-dev-sweeper" in str(caught.value)
    assert "Let the policy of the key in KmsKeyArn allow you kms:Decrypt. Fix the cause, then run:" in str(
        caught.value
    )


@pytest.mark.parametrize("old", [{}, {"REMOVED": "1"}])
def test_variables_without_settings_are_removed_from_the_web_function(
    tmp_path: Path, fake_zappa: Callable[[str], None], old: dict[str, str]
) -> None:
    fake_zappa("echo live")
    client = Client()
    client.web["Environment"] = {"Variables": {**STACK_VARIABLES, **old}}
    web_side = web(tmp_path, client=client)
    web_side.write_settings()

    assert web_side.deploy("code", "key") == ["live"]

    environments = [
        arguments["Environment"]
        for name, arguments in client.calls
        if name == "update_function_configuration"
    ]
    assert environments == ([{"Variables": STACK_VARIABLES}] if old else [])


def test_old_variables_are_removed_before_zappa_publishes_a_version(
    tmp_path: Path, fake_zappa: Callable[[str], None]
) -> None:
    fake_zappa("exit 1")
    client = Client()
    client.web["Environment"] = {"Variables": {"REMOVED": "1"}}
    web_side = web(tmp_path, client=client, snap_start="PublishedVersions")
    web_side.write_settings()

    with pytest.raises(WebFailed):
        web_side.deploy("code", "key")

    assert [name for name, _ in client.calls][:2] == ["function_updated_v2", "update_function_configuration"]


def test_a_new_processor_comes_with_the_code(tmp_path: Path, fake_zappa: Callable[[str], None]) -> None:
    fake_zappa("echo live")
    client = Client(Architectures=["arm64"])
    web_side = web(tmp_path, client=client)
    web_side.write_settings()

    web_side.deploy("code", "key")

    arguments = {"FunctionName": "lab-dev", "S3Bucket": "code", "S3Key": "key", "Architectures": ["arm64"]}
    assert client.calls[0] == ("update_function_code", arguments)


def test_a_failure_of_zappa_is_reported_with_the_command_to_repeat(
    tmp_path: Path, fake_zappa: Callable[[str], None]
) -> None:
    fake_zappa("echo Calling undeploy\necho 'Error: no such role'\nexit 1")

    with pytest.raises(WebFailed) as caught:
        web(tmp_path, None).undeploy()

    assert "zappa undeploy failed: Error: no such role. Fix the cause, then run: " in str(caught.value)


def test_the_handler_gets_every_setting_that_zappa_would_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:pies"
    intent = {"intent": "order", "invocation_source": "DialogCodeHook"}
    settings: dict[str, Any] = {
        "project_name": "pies",
        "django_settings": "pies.settings",
        "debug": False,
        "environment_variables": {"OVEN": "hot"},
        "app_function": "pies.wsgi.application",
        "events": [{"function": "pies.bake", "event_source": {"arn": arn}}, {"function": "pies.daily"}],
        "bot_events": [{"function": "pies.chat", "event_source": intent}],
        "cognito": {"triggers": [{"source": "PreSignUp_SignUp", "function": "pies.welcome"}]},
        "async_response_table": "pies-answers",
        "authorizer": {"function": "pies.may"},
        "remote_env": "s3://pies/env.json",
        "websocket_handler_module": "pies.sockets",
    }
    zappas: dict[str, Any] = {}
    exec(load_in_zappa(tmp_path, monkeypatch, settings).get_zappa_settings_string(), zappas)  # noqa: S102
    zappas.pop("__builtins__")
    zappas["ENVIRONMENT_VARIABLES"].pop("AWS_REGION")
    (tmp_path / "zappa").mkdir()
    (tmp_path / "zappa" / "handler.py").touch()

    web_handler.add(tmp_path, "dev", zappa_settings(tmp_path, "dev"))

    own: dict[str, Any] = {}
    exec((tmp_path / "zappa_settings.py").read_text(), own)  # noqa: S102
    assert {name: value for name, value in own.items() if name.isupper()} == zappas


def test_unused_settings_are_named() -> None:
    settings = {"runtime": "python3.12", "slim_handler": True, "prebuild_script": "", "memory_size": 512}

    assert web_handler.unused(settings, "python3.13") == [
        "slim_handler",
        "runtime (web and workers run on python3.13)",
    ]
    assert web_handler.unused({"runtime": "python3.12"}, "python3.12") == []


def test_a_stage_inherits_from_the_stage_it_extends(tmp_path: Path) -> None:
    stages = {
        "dev": {"project_name": "lab", "memory_size": 512},
        "prod": {"extends": "dev", "memory_size": 1024},
    }
    (tmp_path / "zappa_settings.json").write_text(json.dumps(stages))

    assert zappa_settings(tmp_path, "prod") == {"project_name": "lab", "memory_size": 1024}
    with pytest.raises(BadStage, match=r"It has no stage 'qa'\. Add it, or use one of: dev, prod\."):
        zappa_settings(tmp_path, "qa")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"project_name": "lab-web"}, "lab-web-dev"),
        ({"project_name": "my_site"}, "my-site-dev"),
        ({"project_name": "Pies"}, "pies-dev"),
        ({}, "the-pies-of-my-dev"),  # The first characters of the folder's name.
    ],
)
def test_the_web_function_has_the_name_that_zappa_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], name: str
) -> None:
    root = tmp_path / "The pies of my_aunt"
    root.mkdir()
    zappa_cli = load_in_zappa(root, monkeypatch, settings)

    assert web_function(zappa_settings(root, "dev"), "dev") == name
    assert zappa_cli.lambda_name == name


def test_a_variable_that_is_a_number_becomes_text_in_the_package() -> None:
    settings = {"project_name": "pies", "django_settings": "pies.settings"}

    written = web_handler.handler_settings("dev", {**settings, "environment_variables": {"SHELVES": 3}})

    assert written["ENVIRONMENT_VARIABLES"] == {"SHELVES": "3"}
