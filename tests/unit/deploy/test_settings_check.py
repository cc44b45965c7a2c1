"""Settings are checked as the stage has them, before anything is uploaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from django_offload.conf import configured
from django_offload.deploy.environment import PLACEHOLDER, FunctionFacts, package_environment
from django_offload.deploy.errors import BadStage, ChecksFailed
from django_offload.deploy.package.static_files import Collected, collect
from django_offload.deploy.release import settings_check
from django_offload.deploy.release.settings_check import blocking_problems, check
from django_offload.deploy.stage import Stage, stage_environment_of
from django_offload.stack.layout import HANDLERS, Layout
from django_offload.stack.stage_environment import RESERVED_BY_LAMBDA, StageEnvironment

FINE: dict[str, Any] = {"debug": False, "hosts": ["shop.example"], "engines": {}, "messages": []}
# The part of startproject's settings that matters here.
FRESH = """
SECRET_KEY = "django-insecure-of-the-tests"
DEBUG = True
ALLOWED_HOSTS = []
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
"""
READY = """
import os
from urllib.parse import urlsplit
SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = "AWS_EXECUTION_ENV" not in os.environ
ALLOWED_HOSTS = os.environ["ALLOWED_HOSTS"].split(",")
DATABASES = {}
assert urlsplit(os.environ["DATABASE_URL"]).port == 5432
assert "OF_THE_SHELL" not in os.environ
"""


def project(root: Path, settings: str, handlers: bool = True) -> Layout:
    (root / "of_the_shop.py").write_text(settings)
    (root / "lambdas").mkdir()
    for handler in (HANDLERS / "lambdas").glob("*.py") if handlers else ():
        (root / "lambdas" / handler.name).touch()
    return Layout(root=root, source=root, settings_module="of_the_shop")


def stage(**stage_environment: Any) -> Stage:
    return Stage(
        name="dev",
        region="eu-central-1",
        options=configured()["default"],
        stage_environment=StageEnvironment(**stage_environment),
    )


def test_a_new_django_project_gets_every_blocking_problem(tmp_path: Path) -> None:
    with pytest.raises(ChecksFailed) as caught:
        check(project(tmp_path, FRESH), stage(), web=True)

    message = str(caught.value)
    assert message.startswith("The stage 'dev' would not run, so nothing was uploaded. DEBUG is on")
    assert "ALLOWED_HOSTS is empty, so the site would refuse every request" in message
    assert "DATABASES['default'] is SQLite, so each function would have its own database" in message
    assert message.endswith("Correct this, or deploy anyway with --skip-checks.")
    assert len(caught.value.problems) == 3


def test_settings_see_the_stages_variables_and_placeholders_but_not_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SHELL", "1")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    given = stage(
        environment={"ALLOWED_HOSTS": "shop.example"},
        secrets={"SECRET_KEY": "ssm:/key", "DATABASE_URL": "ssm:/url"},
    )

    warnings = check(project(tmp_path, READY), given, web=True)

    assert all(name.startswith("security.W") for name in warnings)


def test_settings_see_what_lambda_sets_in_checks_and_while_packaging(tmp_path: Path) -> None:
    read = sorted(RESERVED_BY_LAMBDA - {"_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY"})
    settings = f"""{READY}
for name in {read}:
    assert os.environ[name], name
assert os.environ["AWS_LAMBDA_FUNCTION_NAME"] in {{"lab-dev-sweeper", "lab-web-dev"}}
assert os.environ["AWS_REGION"] == "eu-central-1"
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_ROOT = os.environ["LAMBDA_TASK_ROOT"] + "/collected"
STATIC_URL = "static/"
"""
    given = stage(environment={"ALLOWED_HOSTS": "shop.example"}, secrets={"DATABASE_URL": "ssm:/u"})
    place = project(tmp_path, settings.replace('os.environ["SECRET_KEY"]', '"x" * 60'))

    check(place, given, web=True)
    web = FunctionFacts(name="lab-web-dev", region="eu-central-1")
    found = collect(tmp_path, "of_the_shop", ".", given.stage_environment, web)

    assert found is not None
    assert found.folder == tmp_path / "collected"


def test_an_error_in_the_settings_is_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ChecksFailed, match=r"KeyError: 'SECRET_KEY'.* name variables and secrets in infra/dev"
    ):
        check(project(tmp_path, READY), stage(), web=True)


def test_missing_handlers_are_named_with_the_command_that_writes_them(tmp_path: Path) -> None:
    with pytest.raises(ChecksFailed, match=r"lambdas/ lacks .*worker\.py\. Run manage\.py offload_init"):
        check(project(tmp_path, READY, handlers=False), stage(), web=True)


@pytest.mark.parametrize(
    ("changes", "web", "message"),
    [
        ({}, True, None),
        ({"hosts": []}, False, None),
        ({"hosts": []}, True, "ALLOWED_HOSTS is empty"),
        ({"debug": True}, False, "DEBUG is on"),
        ({"engines": {"geo": "django.contrib.gis.db.backends.spatialite"}}, False, "DATABASES['geo']"),
        ({"messages": [[30, "security.W004", "No HSTS.", ""]]}, True, None),
        ({"messages": [[40, "shop.E001", "No till.", "Buy one."]]}, True, "No till. (shop.E001) Buy one."),
        (
            {"messages": [[40, "django_offload.E022", "SQLite.", ""]]},
            True,
            None,
        ),  # Reported with the stage's name instead.
    ],
)
def test_errors_are_blocking_and_warnings_are_not(
    changes: dict[str, Any], web: bool, message: str | None
) -> None:
    found = list(blocking_problems({**FINE, **changes}, "dev", web=web))

    assert len(found) == (message is not None)
    assert message is None or found[0].startswith(message)


def test_the_checks_run_before_the_package_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_offload.management.commands import offload_deploy

    def fails(*given: object, **more: object) -> list[str]:
        raise ChecksFailed("dev", ["No till."])

    monkeypatch.setattr(offload_deploy, "check", fails)
    command = offload_deploy.Command()
    done: list[str] = []
    monkeypatch.setattr(command, "package", lambda *given: done.append("packaged"))

    class Deployment:
        stage = None

        def prepare(self, package: object, *, dry_run: bool) -> None:
            raise KeyboardInterrupt  # It must get here only without the checks.

    options = {"unchecked": False, "no_web": False, "package": None, "dry_run": False}
    with pytest.raises(ChecksFailed):
        command.deploy(Deployment(), None, options)
    assert done == []
    with pytest.raises(KeyboardInterrupt):
        command.deploy(Deployment(), None, {**options, "unchecked": True})
    assert done == ["packaged"]


@pytest.mark.parametrize(
    ("more", "served"),
    [
        ("", False),
        ("MIDDLEWARE = ['whitenoise.middleware.WhiteNoiseMiddleware']", True),
        ("STATIC_URL = 'https://cdn.example/'", True),
    ],
)
def test_static_files_are_collected_with_the_stages_variables(
    tmp_path: Path, more: str, served: bool
) -> None:
    settings = f"""
import os
from pathlib import Path
assert os.environ["DATABASE_URL"].startswith("postgresql://")
SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = os.environ["DEBUG"] == "1"
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_URL = "static/"
STATIC_ROOT = Path(__file__).parent / os.environ["WHERE"]
{more}
"""
    (tmp_path / "of_the_shop.py").write_text(settings)
    (tmp_path / "infra").mkdir()
    message = {"environment": {"WHERE": "collected"}, "secrets": {"DATABASE_URL": "ssm:/url"}}
    (tmp_path / "infra" / "dev.json").write_text(json.dumps(message))

    found = collect(tmp_path, "of_the_shop", ".", stage_environment_of(tmp_path, "dev"))

    assert found == Collected(folder=tmp_path / "collected", served=served)


def test_packaging_does_not_use_the_shells_secret_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "the-real-one")

    assert package_environment(tmp_path, "shop", ".", StageEnvironment())["SECRET_KEY"] == PLACEHOLDER


@pytest.mark.parametrize("where", ["environment", "secrets"])
@pytest.mark.parametrize("name", ["OFFLOAD_STAGE", "OFFLOAD_ALIAS"])
def test_a_stage_cannot_set_the_variables_of_every_deployment(tmp_path: Path, where: str, name: str) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "dev.json").write_text(json.dumps({where: {name: "prod"}}))

    with pytest.raises(
        BadStage, match=rf"It names {name}, but every deployment sets that itself\. Remove it"
    ):
        stage_environment_of(tmp_path, "dev")


def test_the_reference_site_has_no_blocking_problem() -> None:
    from django_offload.deploy.stage import read_stage
    from django_offload.stack.layout import layout

    place = layout()

    assert settings_check.check(place, read_stage(place.root, "dev"), web=True) == []
