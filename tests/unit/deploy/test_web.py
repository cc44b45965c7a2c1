"""What Zappa is told beyond its own settings file."""

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
OF_THE_FUNCTIONS = {"PYTHONPATH": "/var/task/django_app", "OFFLOAD_STACK": "lab-dev", "OFFLOAD_SECRETS": "{}"}


class Client:
    """As much of AWS as the web side asks: a stack, and a web function that keeps what it is told."""

    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def __init__(self, **of_the_stack: Any) -> None:
        variables = {"Variables": dict(OF_THE_FUNCTIONS)}
        self.stack = {"Environment": variables, "Runtime": "python3.13", **of_the_stack}
        self.web = {"Environment": {"Variables": {}}, "Architectures": ["x86_64"]}
        self.done: list[tuple[str, dict[str, Any]]] = []

    def get_paginator(self, name: str) -> Any:
        roles = [{"LogicalResourceId": "RoleWeb", "PhysicalResourceId": "lab-dev-RoleWeb-1"}]
        return SimpleNamespace(paginate=lambda **asked: [{"StackResourceSummaries": roles}])

    def get_role(self, *, RoleName: str) -> dict[str, Any]:
        return {"Role": {"Arn": f"arn:aws:iam::123456789012:role/{RoleName}"}}

    def get_waiter(self, name: str) -> Any:
        return SimpleNamespace(wait=lambda **asked: self.done.append((name, asked)))

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        return self.stack if FunctionName == "lab-dev-sweeper" else self.web

    def update_function_configuration(self, **asked: Any) -> None:
        self.done.append(("update_function_configuration", asked))

    def update_function_code(self, **asked: Any) -> None:
        self.done.append(("update_function_code", asked))


def web(root: Path, vpc: Vpc | None = None, client: Client | None = None, **more: Any) -> Web:
    stage = Stage(
        name="dev",
        region="eu-central-1",
        options=configured()["default"],
        surroundings=StageEnvironment(vpc=vpc),
        parameters=more.pop("parameters", {}),
    )
    found = client or Client()
    aws: Any = SimpleNamespace(client=lambda service: found)
    return Web(aws, stage, root, {"project_name": "lab", "manage_roles": True, **more})


@pytest.fixture
def zappa_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what puts a script in the place of Zappa's command."""

    def put(script: str) -> None:
        (tmp_path / "zappa").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "zappa").chmod(0o755)
        monkeypatch.setattr(web_module, "zappa", lambda: str(tmp_path / "zappa"))

    return put


def as_zappa_reads(
    root: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], stage: str = "dev"
) -> ZappaCLI:
    """Return Zappa itself with a stage of these settings loaded."""
    (root / "zappa_settings.json").write_text(json.dumps({stage: {"aws_region": "us-east-1", **given}}))
    zappas = ZappaCLI()
    zappas.api_stage = stage
    monkeypatch.chdir(root)
    zappas.load_settings(session=boto3.session.Session(region_name="us-east-1"))
    return zappas


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


@pytest.mark.parametrize("stages", [{}, {"Runtime": "python3.13", "Architecture": "x86_64"}])
def test_zappa_is_told_the_stacks_runtime_and_processor_whatever_its_settings_or_the_stages_say(
    tmp_path: Path, stages: dict[str, str]
) -> None:
    """After a rollback the stage's file is newer than what is deployed."""
    client = Client(Runtime="python3.12", Architectures=["arm64"])
    made = web(tmp_path, client=client, parameters=stages, runtime="python3.11", architecture="x86_64")

    said = json.loads(made.write_settings().read_text())["dev"]

    assert (said["runtime"], said["architecture"]) == ("python3.12", "arm64")


def test_the_web_sides_variables_are_encrypted_by_the_key_of_the_stack(tmp_path: Path) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"

    said = json.loads(web(tmp_path, client=Client(KMSKeyArn=key)).write_settings().read_text())["dev"]

    assert said["aws_kms_key_arn"] == key


def test_variables_that_may_not_be_read_are_not_taken_for_none(tmp_path: Path) -> None:
    denied = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "no kms:Decrypt"}}

    with pytest.raises(WebFailed) as caught:
        web(tmp_path, client=Client(Environment=denied)).write_settings()

    assert "you may not read the variables of lab-dev-sweeper" in str(caught.value)
    assert "let the policy of the key in KmsKeyArn allow you kms:Decrypt. Mend it, then run:" in str(
        caught.value
    )


@pytest.mark.parametrize("left", [{}, {"REMOVED": "1"}])
def test_variables_that_no_settings_name_any_more_leave_the_web_too(
    tmp_path: Path, zappa_says: Callable[[str], None], left: dict[str, str]
) -> None:
    zappa_says("echo live")
    client = Client()
    client.web["Environment"] = {"Variables": {**OF_THE_FUNCTIONS, **left}}
    made = web(tmp_path, client=client)
    made.write_settings()

    assert made.deploy("code", "key") == ["live"]

    said = [asked["Environment"] for name, asked in client.done if name == "update_function_configuration"]
    assert said == ([{"Variables": OF_THE_FUNCTIONS}] if left else [])


def test_a_version_that_zappa_publishes_has_no_variable_too_many(
    tmp_path: Path, zappa_says: Callable[[str], None]
) -> None:
    zappa_says("exit 1")
    client = Client()
    client.web["Environment"] = {"Variables": {"REMOVED": "1"}}
    made = web(tmp_path, client=client, snap_start="PublishedVersions")
    made.write_settings()

    with pytest.raises(WebFailed):
        made.deploy("code", "key")

    assert [name for name, _ in client.done][:2] == ["function_updated_v2", "update_function_configuration"]


def test_a_function_gets_another_processor_together_with_its_code(
    tmp_path: Path, zappa_says: Callable[[str], None]
) -> None:
    zappa_says("echo live")
    client = Client(Architectures=["arm64"])
    made = web(tmp_path, client=client)
    made.write_settings()

    made.deploy("code", "key")

    given = {"FunctionName": "lab-dev", "S3Bucket": "code", "S3Key": "key", "Architectures": ["arm64"]}
    assert client.done[0] == ("update_function_code", given)


def test_what_zappa_failed_with_and_how_to_go_on_is_said(
    tmp_path: Path, zappa_says: Callable[[str], None]
) -> None:
    zappa_says("echo Calling undeploy\necho 'Error: no such role'\nexit 1")

    with pytest.raises(WebFailed) as caught:
        web(tmp_path, None).undeploy()

    assert "zappa undeploy failed: Error: no such role. Mend it, then run: " in str(caught.value)


def test_the_handler_in_the_package_knows_all_that_zappa_would_tell_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:pies"
    intent = {"intent": "order", "invocation_source": "DialogCodeHook"}
    given: dict[str, Any] = {
        "project_name": "pies",
        "django_settings": "pies.settings",
        "debug": False,
        "environment_variables": {"OVEN": "hot"},
        "events": [{"function": "pies.bake", "event_source": {"arn": arn}}, {"function": "pies.daily"}],
        "bot_events": [{"function": "pies.chat", "event_source": intent}],
        "cognito": {"triggers": [{"source": "PreSignUp_SignUp", "function": "pies.welcome"}]},
        "async_response_table": "pies-answers",
        "authorizer": {"function": "pies.may"},
        "remote_env": "s3://pies/env.json",
        "websocket_handler_module": "pies.sockets",
    }
    theirs: dict[str, Any] = {}
    exec(as_zappa_reads(tmp_path, monkeypatch, given).get_zappa_settings_string(), theirs)  # noqa: S102
    theirs.pop("__builtins__")
    theirs["ENVIRONMENT_VARIABLES"].pop("AWS_REGION")
    (tmp_path / "zappa").mkdir()
    (tmp_path / "zappa" / "handler.py").touch()

    web_handler.add(tmp_path, "dev", zappa_settings(tmp_path, "dev"))

    ours: dict[str, Any] = {}
    exec((tmp_path / "zappa_settings.py").read_text(), ours)  # noqa: S102
    assert {name: value for name, value in ours.items() if name.isupper()} == theirs


def test_what_zappas_settings_say_in_vain_is_named() -> None:
    given = {"runtime": "python3.12", "slim_handler": True, "prebuild_script": "", "memory_size": 512}

    assert web_handler.unused(given, "python3.13") == [
        "slim_handler",
        "runtime (web and workers run on python3.13)",
    ]
    assert web_handler.unused({"runtime": "python3.12"}, "python3.12") == []


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
    zappas = as_zappa_reads(root, monkeypatch, given)

    assert web_function(zappa_settings(root, "dev"), "dev") == name
    assert zappas.lambda_name == name
