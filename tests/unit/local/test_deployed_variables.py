"""Which deployed variables reach a process on this machine."""

import json
import re
from pathlib import Path
from typing import Any

import botocore
import pytest

from django_offload.local.lambda_.deployed_variables import is_steering, local_variables, refused_variables

from .fakes import function

STEERING = (
    # Python.
    *("PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONHOME", "PYTHONBREAKPOINT", "PYTHONINSPECT", "PYTHONUSERBASE"),
    # The loader and the C library.
    *("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "GCONV_PATH", "GLIBC_TUNABLES"),
    *("MALLOC_CONF", "LOCPATH", "TMPDIR"),
    # Shells.
    *("BASH_ENV", "ENV", "IFS", "SHELL", "SHELLOPTS", "PS4", "PROMPT_COMMAND", "ZDOTDIR"),
    # Programs and their configuration.
    *("PATH", "HOME", "BROWSER", "EDITOR", "VISUAL", "PAGER", "XDG_CONFIG_HOME", "GIT_SSH_COMMAND"),
    *("GIT_EXEC_PATH", "SSH_ASKPASS", "OPENSSL_CONF", "KRB5_CONFIG", "COVERAGE_PROCESS_START"),
    # Other interpreters.
    *("PERL5OPT", "PERL5LIB", "RUBYOPT", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "LUA_INIT", "PHPRC"),
    # Where the network goes, and whom it trusts.
    *("SSL_CERT_FILE", "SSLKEYLOGFILE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"),
    # AWS on this machine.
    *("AWS_ENDPOINT_URL_SQS", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_PROFILE", "AWS_DATA_PATH"),
    *("LAMBDA_TASK_ROOT", "AWS_PAGER", "AWS_LAMBDA_EXEC_WRAPPER", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
    # Names that Lambda doesn't allow.
    *("BASH_FUNC_ls%%", "_RLD_LIST", "", "A", "A=B", "Ä_B"),
)
# Variables that projects deploy, also those that start alike.
ORDINARY = (
    *("COLOUR", "DATABASE_URL", "SECRET_KEY", "DEBUG", "ENVIRONMENT", "OFFLOAD_STACK", "OFFLOAD_QUEUE_URLS"),
    *(
        "SENTRY_DSN",
        "TZ",
        "LANG",
        "PIPELINE_URL",
        "PAGERDUTY_KEY",
        "LESSONS",
        "HOMEPAGE",
        "PATHS",
        "NODE_ENV",
    ),
    *("AWS_STORAGE_BUCKET_NAME", "AWS_S3_CUSTOM_DOMAIN", "AWS_QUERYSTRING_AUTH", "AWS_MEDIA_BUCKET"),
    *("SSH_PRIVATE_KEY", "EMAIL_HOST", "REDIS_URL", "PGHOST", "PGPASSWORD", "UVICORN_PORT", "EDITORS_EMAIL"),
)


@pytest.mark.parametrize("name", STEERING)
def test_a_variable_that_steers_code_or_programs_is_left_out(name: str) -> None:
    deployed = function(environment={name: "x", "COLOUR": "blue"})

    assert refused_variables(deployed) == [name]
    assert local_variables(deployed) == {"COLOUR": "blue"}


def test_every_variable_that_botocore_reads_is_left_out() -> None:
    source = "".join(path.read_text() for path in Path(botocore.__file__).parent.glob("*.py"))
    names = set(re.findall(r"[\"']((?:AWS|BOTO)[A-Z0-9]*_[A-Z0-9_]+)[\"']", source))

    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SHARED_CREDENTIALS_FILE"} <= names
    assert [name for name in sorted(names) if not is_steering(name)] == []


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_variable_is_kept(name: str) -> None:
    deployed = function(environment={name: "x"})

    assert refused_variables(deployed) == []
    assert local_variables(deployed) == {name: "x"}


def test_the_path_that_every_function_has_is_replaced_without_a_word() -> None:
    deployed = function(environment={"PYTHONPATH": "/tmp/evil"})

    assert refused_variables(deployed) == []
    assert local_variables(deployed) == {}


def test_a_value_that_no_process_can_have_is_left_out() -> None:
    assert refused_variables(function(environment={"COLOUR": "blue\0"})) == ["COLOUR"]


@pytest.mark.parametrize("module", ["tests.settings", "config.settings"])
def test_settings_of_the_project_are_kept(
    module: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("tests", "config"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "__init__.py").touch()
        (tmp_path / name / "settings.py").touch()
    monkeypatch.chdir(tmp_path)

    assert refused_variables(function(environment={"DJANGO_SETTINGS_MODULE": module})) == []


@pytest.mark.parametrize(
    "module", ["antigravity", "this", "idlelib.idle", "moto.server", "no.such.module", ""]
)
def test_settings_elsewhere_are_left_out(module: str) -> None:
    deployed = function(environment={"DJANGO_SETTINGS_MODULE": module})

    assert refused_variables(deployed) == ["DJANGO_SETTINGS_MODULE"]


def test_the_settings_in_use_are_kept_wherever_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "company.settings")

    assert refused_variables(function(environment={"DJANGO_SETTINGS_MODULE": "company.settings"})) == []


def test_a_secret_cannot_take_a_refused_name() -> None:
    secrets = {
        "LD_PRELOAD": "ssm:/evil",
        "DJANGO_SETTINGS_MODULE": "ssm:/evil",
        "SECRET_KEY": "ssm:/shop/key",
    }
    deployed = function(environment={"OFFLOAD_SECRETS": json.dumps(secrets)})

    assert refused_variables(deployed) == ["DJANGO_SETTINGS_MODULE", "LD_PRELOAD"]
    assert json.loads(local_variables(deployed)["OFFLOAD_SECRETS"]) == {"SECRET_KEY": "ssm:/shop/key"}


@pytest.mark.parametrize("text", ["{", "[1]", "null", '"LD_PRELOAD"', "3"])
def test_malformed_secrets_are_the_functions_own_error(text: str) -> None:
    deployed = function(environment={"OFFLOAD_SECRETS": text})

    assert refused_variables(deployed) == []
    variables: dict[str, Any] = local_variables(deployed)
    assert variables["OFFLOAD_SECRETS"] == text
