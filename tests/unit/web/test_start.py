"""The real handler, lambdas/web.py, in a process of its own, as the runtime starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.security.corpus.requests import HOSTILE

from .events import SHAPES

ROOT = Path(__file__).resolve().parents[3]

SITE = """
import os
from django.http import HttpResponse
from django.urls import path

DEBUG = False
ALLOWED_HOSTS = ["*"]
SECRET_KEY = "of-tests-only"
ROOT_URLCONF = "cakes"
MIDDLEWARE = []

def show(request):
    names = ("SERVERTYPE", "FRAMEWORK", "PROJECT", "STAGE", "OVEN")
    lines = [f"{name}={os.environ.get(name)}" for name in names]
    return HttpResponse("\\n".join([request.build_absolute_uri(), request.META["REMOTE_ADDR"], *lines]))

urlpatterns = [path("cakes/apple pie/", show)]
"""
PROGRAM = """
import json, os, sys
from {module} import {name} as handler
from tests.security.corpus.requests import HOSTILE
shapes = json.loads(sys.stdin.read())
answers = {{shape: handler(event, None) for shape, event in shapes.items()}}
modules, environment, obeyed, errors = set(sys.modules), dict(os.environ), [], set()
for name, event in HOSTILE.items():
    try:
        handler(event, None)
        obeyed.append(name)
    except Exception as exc:
        errors.add(type(exc).__name__)
print(json.dumps({{
    "answers": answers,
    "obeyed": obeyed,
    "errors": sorted(errors),
    "imported": sorted(set(sys.modules) - modules),
    "environment": dict(os.environ) == environment,
    "unneeded": sorted({{"boto3", "botocore", "werkzeug", "zappa"}} & set(sys.modules)),
}}))
"""


def run(folder: Path, settings: str | None, *, module: str = "lambdas.web", name: str = "handler") -> Any:
    """Return what a process says that starts the handler of a small site."""
    (folder / "cakes.py").write_text(SITE)
    if settings is not None:
        (folder / "zappa_settings.py").write_text(settings)
    unset = ("DJANGO_SETTINGS_MODULE", "SERVERTYPE", "FRAMEWORK", "PROJECT", "STAGE")
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT / "django_app"), str(ROOT)])
    if settings is None:
        environment["DJANGO_SETTINGS_MODULE"] = "cakes"
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module, name=name)],
        cwd=folder,
        env=environment,
        input=json.dumps(SHAPES),
        capture_output=True,
        text=True,
        check=False,
    )


STAGE = """
DJANGO_SETTINGS = "cakes"
PROJECT_NAME = "cakes-web"
API_STAGE = "dev"
LOG_LEVEL = "WARNING"
ENVIRONMENT_VARIABLES = {"OVEN": "hot"}
"""


def test_it_answers_requests_and_obeys_nothing_else(tmp_path: Path) -> None:
    ran = run(tmp_path, STAGE)

    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert {answer["statusCode"] for answer in said["answers"].values()} == {200}
    assert said["answers"]["function URL"]["body"].splitlines() == [
        "https://abcde12345fghij67890.lambda-url.eu-central-1.on.aws/cakes/apple%20pie/?size=2&size=3",
        "203.0.113.7",
        "SERVERTYPE=AWS Lambda",
        "FRAMEWORK=Zappa",
        "PROJECT=cakes-web",
        "STAGE=dev",
        "OVEN=hot",
    ]
    assert said["answers"]["HTTP API, named stage"]["body"].startswith(
        "https://abcde12345.execute-api.eu-central-1.amazonaws.com/dev/cakes/apple%20pie/?size=2&size=3\n"
    )
    assert said["obeyed"] == []
    assert said["errors"] == ["UnknownEvent"]
    assert said["imported"] == []
    assert said["environment"] is True
    assert len(HOSTILE) >= 40
    assert said["unneeded"] == []


def test_a_package_without_zappas_settings_reads_the_environment(tmp_path: Path) -> None:
    ran = run(tmp_path, None)

    assert ran.returncode == 0, ran.stderr
    assert "PROJECT=None" in json.loads(ran.stdout)["answers"]["function URL"]["body"]


def test_a_stage_may_name_an_application_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [b'own']\n"
    )

    ran = run(tmp_path, f'{STAGE}\nAPP_MODULE = "own"\nAPP_FUNCTION = "application"\n')

    assert {answer["body"] for answer in json.loads(ran.stdout)["answers"].values()} == {"own"}


def test_an_asgi_application_is_refused_with_what_to_do(tmp_path: Path) -> None:
    ran = run(tmp_path, f'{STAGE}\nAPP_TYPE = "asgi"\n')

    assert ran.returncode == 1
    assert "Remove app_type, and name a WSGI application in app_function" in ran.stderr


@pytest.mark.parametrize("level", ["WARNING", "INFO"])
def test_the_log_level_of_the_stage_counts(tmp_path: Path, level: str) -> None:
    settings = STAGE.replace("WARNING", level) + "\nimport logging; logging.basicConfig()\n"

    ran = run(tmp_path, settings)

    assert ("django_offload.web:POST /cakes/apple%20pie/ 200" in ran.stderr) is (level == "INFO")
    assert "size=2" not in ran.stderr


def test_a_secret_overrides_a_variable_of_zappas_settings(tmp_path: Path) -> None:
    # Only AWS's answer is put in its place.
    stored = """
import os
from django_offload.aws import secrets
secrets.load = lambda: os.environ.update(OVEN="secret")
"""

    ran = run(tmp_path, STAGE + stored)

    assert "OVEN=secret" in json.loads(ran.stdout)["answers"]["function URL"]["body"]


def test_a_package_without_the_adapter_says_what_to_add(tmp_path: Path) -> None:
    (tmp_path / "apig_wsgi.py").write_text("raise ImportError('no module named apig_wsgi')\n")

    ran = run(tmp_path, STAGE)

    assert ran.returncode == 1
    assert 'Add "django-offload[web]" to the requirements of the functions.' in ran.stderr
