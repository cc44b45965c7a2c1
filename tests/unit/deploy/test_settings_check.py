"""Settings as a stage has them: what would not run is told before anything is uploaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from django_offload.conf import configured
from django_offload.deploy.environment import PLACEHOLDER, of_a_package
from django_offload.deploy.errors import BadStage, ChecksFailed
from django_offload.deploy.package.static_files import Collected, collect
from django_offload.deploy.release import settings_check
from django_offload.deploy.release.settings_check import check, problems
from django_offload.deploy.stage import Stage, surroundings_of
from django_offload.stack.layout import HANDLERS, Layout
from django_offload.stack.stage_environment import StageEnvironment

FINE: dict[str, Any] = {"debug": False, "hosts": ["shop.example"], "engines": {}, "messages": []}
# What startproject writes, where it matters here.
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


def project(root: Path, settings: str, doors: bool = True) -> Layout:
    (root / "of_the_shop.py").write_text(settings)
    (root / "lambdas").mkdir()
    for door in (HANDLERS / "lambdas").glob("*.py") if doors else ():
        (root / "lambdas" / door.name).touch()
    return Layout(root=root, source=root, settings_module="of_the_shop")


def stage(**surroundings: Any) -> Stage:
    return Stage(
        name="dev",
        region="eu-central-1",
        options=configured()["default"],
        surroundings=StageEnvironment(**surroundings),
    )


def test_a_project_as_django_makes_it_is_told_all_that_would_not_run(tmp_path: Path) -> None:
    with pytest.raises(ChecksFailed) as caught:
        check(project(tmp_path, FRESH), stage(), web=True)

    said = str(caught.value)
    assert said.startswith("The stage 'dev' would not run; nothing was uploaded. DEBUG is on")
    assert "ALLOWED_HOSTS is empty, so every request would be refused" in said
    assert "DATABASES['default'] is SQLite, of which each function would have one of its own" in said
    assert said.endswith("Correct that, or deploy all the same with --skip-checks.")
    assert len(caught.value.problems) == 3


def test_settings_have_the_stages_variables_placeholders_for_its_secrets_and_nothing_of_the_shell(
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


def test_settings_that_cannot_be_read_say_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ChecksFailed, match=r"KeyError: 'SECRET_KEY'.* name variables and secrets in infra/dev"
    ):
        check(project(tmp_path, READY), stage(), web=True)


def test_a_project_without_its_doors_is_told_what_writes_them(tmp_path: Path) -> None:
    with pytest.raises(ChecksFailed, match=r"lambdas/ lacks .*worker\.py: run manage\.py offload_init"):
        check(project(tmp_path, READY, doors=False), stage(), web=True)


@pytest.mark.parametrize(
    ("changes", "web", "said"),
    [
        ({}, True, None),
        ({"hosts": []}, False, None),
        ({"hosts": []}, True, "ALLOWED_HOSTS is empty"),
        ({"debug": True}, False, "DEBUG is on"),
        ({"engines": {"geo": "django.contrib.gis.db.backends.spatialite"}}, False, "DATABASES['geo']"),
        ({"messages": [[30, "security.W004", "No HSTS.", ""]]}, True, None),
        ({"messages": [[40, "shop.E001", "No till.", "Buy one."]]}, True, "No till. (shop.E001) Buy one."),
        ({"messages": [[40, "django_offload.E022", "SQLite.", ""]]}, True, None),  # In other words above.
    ],
)
def test_errors_and_what_no_stage_can_have_are_told_and_warnings_are_not(
    changes: dict[str, Any], web: bool, said: str | None
) -> None:
    found = list(problems({**FINE, **changes}, "dev", web=web))

    assert len(found) == (said is not None)
    assert said is None or found[0].startswith(said)


def test_checks_come_before_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_offload.management.commands import offload_deploy

    def fails(*given: object, **more: object) -> list[str]:
        raise ChecksFailed("dev", ["No till."])

    monkeypatch.setattr(offload_deploy, "check", fails)
    command = offload_deploy.Command()
    done: list[str] = []
    monkeypatch.setattr(command, "_package", lambda *given: done.append("packaged"))

    class Deployment:
        stage = None

        def prepare(self, package: object, *, look: bool) -> None:
            raise KeyboardInterrupt  # So far it must come, without the checks.

    options = {"unchecked": False, "no_web": False, "package": None, "dry_run": False}
    with pytest.raises(ChecksFailed):
        command._deploy(Deployment(), None, options)
    assert done == []
    with pytest.raises(KeyboardInterrupt):
        command._deploy(Deployment(), None, {**options, "unchecked": True})
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
    said = {"environment": {"WHERE": "collected"}, "secrets": {"DATABASE_URL": "ssm:/url"}}
    (tmp_path / "infra" / "dev.json").write_text(json.dumps(said))

    found = collect(tmp_path, "of_the_shop", ".", surroundings_of(tmp_path, "dev"))

    assert found == Collected(folder=tmp_path / "collected", served=served)


def test_a_secret_that_whoever_packages_has_at_hand_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "the-real-one")

    assert of_a_package(tmp_path, "shop", ".", StageEnvironment())["SECRET_KEY"] == PLACEHOLDER


@pytest.mark.parametrize("where", ["environment", "secrets"])
@pytest.mark.parametrize("name", ["OFFLOAD_STAGE", "OFFLOAD_ALIAS"])
def test_a_stage_cannot_say_what_each_deployment_says(tmp_path: Path, where: str, name: str) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "dev.json").write_text(json.dumps({where: {name: "prod"}}))

    with pytest.raises(BadStage, match=rf"It names {name}, which each deployment sets itself\. Remove it"):
        surroundings_of(tmp_path, "dev")


def test_the_reference_site_may_be_deployed() -> None:
    from django_offload.deploy.stage import read
    from django_offload.stack.layout import layout

    place = layout()

    assert settings_check.check(place, read(place.root, "dev"), web=True) == []
