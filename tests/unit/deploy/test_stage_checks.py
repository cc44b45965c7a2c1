"""What a deployment would make public is found in the files of stages, Zappa's settings and the settings."""

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy import stage_checks
from django_offload.deploy.environment import PLACEHOLDER, function_environment
from django_offload.deploy.hosts import accepts, site_hosts, too_wide
from django_offload.deploy.release import settings_check
from django_offload.deploy.secret_files import credential_warnings
from django_offload.deploy.stage import read_stage
from django_offload.management.commands.offload_deploy import Command
from django_offload.stack.layout import HANDLERS, Layout, layout

VALUE = "hunter2-of-the-shop"
ZAPPA = {
    "dev": {
        "project_name": "shop-web",
        "apigateway_enabled": False,
        "function_url_enabled": True,
        "keep_warm": False,
    }
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Any) -> Any:
    """Return a function that writes the files of a project, and makes it the current one."""
    monkeypatch.setattr(
        stage_checks, "layout", lambda: Layout(root=tmp_path, source=tmp_path, settings_module="of_the_shop")
    )
    monkeypatch.delenv("OFFLOAD_STAGE", raising=False)

    def write(zappa: Any = ZAPPA, **stages: Any) -> Path:
        (tmp_path / "zappa_settings.json").write_text(json.dumps(zappa))
        (tmp_path / "infra").mkdir(exist_ok=True)
        for name, content in stages.items():
            (tmp_path / "infra" / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return write


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


# Hosts.


@pytest.mark.parametrize(
    ("hosts", "problem"),
    [
        ([], "ALLOWED_HOSTS is empty, so the site refuses every request."),
        (["*"], "ALLOWED_HOSTS has '*', so the site accepts requests for hosts of anybody."),
        (["shop.example", ".com"], "ALLOWED_HOSTS has '.com', so the site accepts requests for hosts of"),
        ([".amazonaws.com"], "ALLOWED_HOSTS has '.amazonaws.com', so the site accepts requests for hosts of"),
        (["shop.example"], None),
        ([".shop.example"], None),
        ([".localhost", ".shop.internal", ".internal"], None),
    ],
)
def test_hosts_of_anybody_and_no_hosts_are_a_warning(
    project: Any, settings: Any, hosts: list[str], problem: str | None
) -> None:
    project()
    settings.ALLOWED_HOSTS = hosts

    messages = stage_checks.check_hosts()

    assert [message.id for message in messages] == (["django_offload.W028"] if problem else [])
    assert not problem or messages[0].msg.startswith(problem)


@pytest.mark.parametrize("host", [PLACEHOLDER, f"www.{PLACEHOLDER}", "placeholder.invalid"])
def test_hosts_that_a_secret_store_has_are_not_judged(
    project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """A deployment checks the settings with a placeholder for each secret."""
    project()
    monkeypatch.setenv("OFFLOAD_STAGE", "dev")
    settings.ALLOWED_HOSTS = [host]

    assert stage_checks.check_hosts() == []
    settings.ALLOWED_HOSTS = ["shop.example"]
    assert len(stage_checks.check_hosts()) == 1


def test_on_a_laptop_any_host_is_fine(project: Any, settings: Any) -> None:
    project()
    settings.DEBUG, settings.ALLOWED_HOSTS = True, ["*"]

    assert stage_checks.check_hosts() == []


FUNCTION_URL = {"apigateway_enabled": False, "function_url_enabled": True, "aws_region": "eu-north-1"}


@pytest.mark.parametrize(
    ("zappa", "hosts", "missing"),
    [
        ({"domain": "www.shop.example"}, ["shop.example"], "www.shop.example"),
        ({"domain": "www.shop.example"}, [".shop.example"], None),
        ({"domain": "WWW.shop.example"}, ["www.shop.example"], None),
        ({"domain": "*.shop.example"}, [".shop.example"], None),
        ({"function_url_domains": ["a.example", "b.example"]}, ["a.example"], "b.example"),
        (FUNCTION_URL, ["shop.example"], ".lambda-url.eu-north-1.on.aws"),
        (FUNCTION_URL, [".lambda-url.eu-central-1.on.aws"], ".lambda-url.eu-north-1.on.aws"),
        (FUNCTION_URL, [".lambda-url.eu-north-1.on.aws"], None),
        (FUNCTION_URL, ["abc123.lambda-url.eu-north-1.on.aws"], None),
        ({**FUNCTION_URL, "domain": "shop.example"}, ["shop.example"], None),
        ({"aws_region": "eu-north-1"}, ["shop.example"], ".execute-api.eu-north-1.amazonaws.com"),
        ({"aws_region": "eu-north-1"}, ["abc.execute-api.eu-north-1.amazonaws.com"], None),
        (
            {**FUNCTION_URL, "apigateway_enabled": True},
            ["abc.execute-api.eu-north-1.amazonaws.com"],
            None,
        ),
        ({"aws_region": "cn-north-1"}, ["abc.execute-api.cn-north-1.amazonaws.com.cn"], None),
        ({"function_url_domains": "a.example"}, ["a.example"], None),
        ({"function_url_domains": True, "domain": 7}, [".execute-api.us-east-1.amazonaws.com"], None),
    ],
)
@pytest.mark.parametrize("read", ["settings", "file"])
def test_a_site_that_does_not_know_its_own_host_is_a_warning(
    project: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    zappa: dict[str, Any],
    hosts: list[str],
    missing: str | None,
    read: str,
) -> None:
    settings.ALLOWED_HOSTS = hosts if read == "settings" else ["elsewhere.example"]
    project({"dev": zappa}, dev={"environment": {"ALLOWED_HOSTS": ",".join(hosts)}} if read == "file" else {})
    if read == "settings":
        monkeypatch.setenv("OFFLOAD_STAGE", "dev")

    messages = stage_checks.check_hosts()

    where = "ALLOWED_HOSTS" if read == "settings" else "ALLOWED_HOSTS in infra/dev.json"
    assert [message.msg for message in messages] == (
        [f"{where} accepts no host of the stage 'dev', by zappa_settings.json: {missing}."] if missing else []
    )


@pytest.mark.parametrize(
    ("written", "missing"), [("www.shop.example", False), (".shop.example", False), ("shop.example", True)]
)
def test_hosts_that_the_settings_add_to_those_of_a_variable_count(
    project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, written: str, missing: bool
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "of-a-laptop.example")
    settings.ALLOWED_HOSTS = [written, "of-a-laptop.example"]
    project({"prod": {"domain": "www.shop.example"}}, prod={"environment": {"ALLOWED_HOSTS": "10.0.0.1"}})

    assert [message.id for message in stage_checks.check_hosts()] == ["django_offload.W028"] * missing


def test_the_hosts_of_this_processs_variables_are_not_those_of_another_stage(
    project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "www.shop.example")
    settings.ALLOWED_HOSTS = ["www.shop.example"]
    project({"prod": {"domain": "www.shop.example"}}, prod={"environment": {"ALLOWED_HOSTS": "10.0.0.1"}})

    (message,) = stage_checks.check_hosts()

    assert message.msg.startswith("ALLOWED_HOSTS in infra/prod.json accepts no host of the stage 'prod'")
    assert 'name it in zappa_settings.json: "domain"' in message.hint


def test_hosts_are_compared_as_django_does() -> None:
    assert too_wide(["shop.example", ".shop.example", "*", ".on.aws"]) == ["*", ".on.aws"]
    assert site_hosts({}, "us-east-1") == [".execute-api.us-east-1.amazonaws.com"]
    assert accepts(["*"], "shop.example")
    assert not accepts([], "shop.example")


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
