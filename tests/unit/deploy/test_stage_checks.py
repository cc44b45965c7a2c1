"""What a deployment would make public is found in the files of stages, Zappa's settings and the settings."""

import secrets
import subprocess
import sys
from typing import Any

import pytest

from django_offload.deploy import stage_checks
from django_offload.deploy.environment import function_environment
from django_offload.deploy.release import settings_check
from django_offload.deploy.secret_files import credential_warnings
from django_offload.deploy.stage import read_stage
from django_offload.management.commands.offload_deploy import Command
from django_offload.stack.layout import HANDLERS, Layout, layout
from tests.unit.deploy.conftest import ZAPPA

VALUE = "hunter2-of-the-shop"


def texts(messages: Any) -> list[str]:
    return [f"{message.msg} {message.hint}" for message in messages]


# Credentials in files.


@pytest.mark.parametrize(
    ("stage", "place"),
    [
        ({"environment": {"DB_PASSWORD": VALUE}}, "environment['DB_PASSWORD']"),
        (
            {"environment": {"DATABASE_URL": f"postgresql://shop:{VALUE}@db/shop"}},
            "environment['DATABASE_URL']",
        ),
        ({"environment": {"LOGIN": {"user": "a", "password": VALUE}}}, "environment['LOGIN']['password']"),
        ({"parameters": {"ApiToken": VALUE}}, "parameters['ApiToken']"),
        ({"secrets": {"SECRET_KEY": VALUE}}, "secrets['SECRET_KEY']"),
    ],
)
def test_a_credential_in_a_stages_file_is_a_warning_without_its_value(
    project: Any, stage: dict[str, Any], place: str
) -> None:
    project(prod=stage)

    (message,) = stage_checks.check_literals()

    assert (message.id, message.level) == ("django_offload.W025", 30)
    assert message.msg == f"infra/prod.json contains what looks like a credential: {place}."
    assert '": "ssm:/…/prod/' in message.hint
    assert VALUE not in f"{message.msg} {message.hint}"


@pytest.mark.parametrize("key", ["environment_variables", "aws_environment_variables"])
@pytest.mark.parametrize("name", ["STRIPE_API_KEY", "SECRET_KEY"])
def test_a_credential_in_zappas_variables_is_a_warning_without_its_value(
    project: Any, key: str, name: str
) -> None:
    project({"dev": {key: {name: VALUE, "OVEN": "hot"}}, "prod": {"extends": "dev"}})

    (message,) = stage_checks.check_literals()  # Not once more for what the other stage extends.

    assert message.msg == (
        f"zappa_settings.json contains what looks like a credential in the stage 'dev': {key}['{name}']."
    )
    assert VALUE not in f"{message.msg} {message.hint}"


@pytest.mark.parametrize(
    "zappa",
    [
        {"dev": {"certificate_key": "-----BEGIN PRIVATE KEY-----\nMIIE"}},
        {"dev": {"remote_env": "https://shop:pw@files.example/env.json"}},
        {"dev": {"vpc_config": {"note": "AKIAIOSFODNN7EXAMPLE"}}},
    ],
)
def test_a_credential_in_any_other_setting_of_zappa_is_a_warning(project: Any, zappa: Any) -> None:
    project(zappa)

    assert [message.id for message in stage_checks.check_literals()] == ["django_offload.W025"]


def test_references_and_harmless_variables_are_silent(project: Any) -> None:
    project(
        {"dev": {**ZAPPA["dev"], "environment_variables": {"PASSWORD_RESET_TIMEOUT": 3600, "TOKEN_URL": ""}}},
        dev={
            "environment": {"ALLOWED_HOSTS": "shop.example", "CSRF_COOKIE_SECURE": "true"},
            "parameters": {"AlarmEmail": "ops@shop.example", "SecretsKmsKeyArn": ""},
            "secrets": {"SECRET_KEY": "ssm:/shop/key", "DB_PASSWORD": "secretsmanager:shop:password"},
        },
    )

    assert stage_checks.check_literals() == []


def test_a_file_that_cannot_be_read_hides_no_other(project: Any) -> None:
    root = project({"dev": {"environment_variables": {"API_KEY": VALUE}}}, prod={"unknown": 1})
    (root / "infra" / "dev.json").write_text("{")

    assert len(stage_checks.check_literals()) == 1


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        (".env", f"DEBUG=0\nexport DB_PASSWORD='{VALUE}'\n", "DB_PASSWORD"),
        ("config/.env.prod", f"API_KEY={VALUE}\n", "API_KEY"),
        ("certificates/shop.pem", "-----BEGIN PRIVATE KEY-----\nMIIE\n", "a private key"),
        (".env", "DEBUG=0\n# DB_PASSWORD=old\nDB_PASSWORD=\n", None),
        ("certificates/shop.pem", "-----BEGIN CERTIFICATE-----\nMIIE\n", None),
    ],
)
def test_a_file_of_secrets_that_the_package_includes_is_a_warning(
    project: Any, name: str, text: str, found: str | None
) -> None:
    root = project(prod={"include": ["*.env*", "*.pem"]})
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(text)

    messages = stage_checks.check_literals()

    if found is None:
        assert messages == []
        return
    (message,) = messages
    assert message.msg == (
        f"'include' in infra/prod.json packages {name}, which contains what looks like a credential: {found}."
    )
    assert VALUE not in f"{message.msg} {message.hint}"


# Credentials in the settings.


@pytest.mark.parametrize("debug", [True, False])
def test_credentials_in_settings_are_a_warning_where_debug_is_off(
    project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, debug: bool
) -> None:
    project()
    settings.DEBUG = debug
    monkeypatch.setattr(stage_checks, "settings_places", lambda layout, settings: ["SECRET_KEY"])

    messages = stage_checks.check_settings()

    assert [message.id for message in messages] == ([] if debug else ["django_offload.W026"])
    assert debug or messages[0].msg == (
        "The settings contain what looks like a credential in their code: SECRET_KEY."
    )


# Endpoints.


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_S3_ENDPOINT_URL"])
@pytest.mark.parametrize("place", ["file", "environment_variables", "aws_environment_variables"])
@pytest.mark.parametrize(
    ("url", "reported"),
    [
        ("http://aws.example.org", True),
        ("HTTP://user:pw@aws.example.org", True),
        ("https://aws.example.org", False),
        ("http://127.0.0.1:5000", False),
    ],
)
def test_an_endpoint_in_the_clear_of_a_stage_is_an_error(
    project: Any, name: str, place: str, url: str, reported: bool
) -> None:
    if place == "file":
        project(dev={"environment": {name: url}})
    else:
        project({"dev": {**ZAPPA["dev"], place: {name: url}}})

    messages = stage_checks.check_endpoints()

    assert [message.id for message in messages] == (["django_offload.E021"] if reported else [])
    assert not reported or "pw" not in messages[0].msg


# The deployment, and the reference site.

SETTINGS = """
import os
SECRET_KEY = "a-literal-key-of-the-shop-that-is-long-and-random-4711"
DEBUG = False
ALLOWED_HOSTS = ["*"]
SECRET_KEY_FALLBACKS = []
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_offload"]
TASKS = {"default": {"BACKEND": "django_offload.backends.SQSBackend", "OPTIONS": {"stack": "shop-dev"}}}
DATABASES = {}
ROOT_URLCONF = "urls_of_the_shop"
"""
URLS = """
from django.urls import path
from django_offload.http import Throttle, TriggerView
urlpatterns = [path("start/", TriggerView.as_view(throttle=Throttle("10/m")))]
"""


def test_a_deployment_warns_before_anything_is_made(project: Any, ours: Any) -> None:
    root = project(
        {
            "dev": {
                **ZAPPA["dev"],
                "lambda_handler": "lambdas.web.handler",
                "environment_variables": {"A_TOKEN": VALUE},
            }
        },
        dev={"environment": {"DB_PASSWORD": VALUE, "A_TOKEN": VALUE}},
    )
    (root / "of_the_shop.py").write_text(SETTINGS)
    (root / "urls_of_the_shop.py").write_text(URLS)
    (root / "lambdas").mkdir()
    for handler in (HANDLERS / "lambdas").glob("*.py"):
        (root / "lambdas" / handler.name).touch()
    place = Layout(root=root, source=root, settings_module="of_the_shop")
    command, said = Command(), list[str]()
    command.announce = said.append  # type: ignore[assignment]

    command.check_settings(read_stage(root, "dev"), place, web=True)

    shown = "\n".join(map(str, said))
    assert "infra/dev.json contains what looks like a credential: environment['DB_PASSWORD']" in shown
    assert "in the stage 'dev': environment_variables['A_TOKEN']" in shown
    assert "in their code: SECRET_KEY. (django_offload.W026)" in shown
    assert "ALLOWED_HOSTS has '*'" in shown
    assert "LocMemCache is in the memory of one process" in shown
    assert VALUE not in shown
    assert "a-literal-key" not in shown


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_reference_site_with_its_deployed_settings_has_nothing_to_report(stage: str) -> None:
    place = layout()
    environment = function_environment(place, read_stage(place.root, stage))
    environment |= {"SECRET_KEY": secrets.token_urlsafe(60), "OFFLOAD_STAGE": stage}

    done = subprocess.run(
        [sys.executable, str(place.source / "manage.py"), "check", "--deploy"],
        cwd=place.root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["System check identified no issues (3 silenced)."]


def test_a_deployment_of_the_reference_site_has_nothing_to_announce() -> None:
    place, said = layout(), list[str]()

    # Only its template is another's: infra/ has that of the other stage, and a deployment makes its own.
    assert settings_check.check(place, read_stage(place.root, "prod"), web=True, announce=said.append) == []
    assert said == []
    assert list(credential_warnings(place.root, "prod", web=True)) == []
