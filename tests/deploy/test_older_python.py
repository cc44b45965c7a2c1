"""A package for another Python than the one that builds it."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from django_offload.deploy.package.bytecode import interpreter
from django_offload.local.lambda_.deployed_code import link_runtime

from . import clean
from .http_events import http
from .project import Project


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("older") / "shop")
    project.stage(parameters={"Runtime": "python3.12"})
    # The Python that builds the package doesn't match this marker.
    lock = project.root / "lambdas" / "requirements.lock"
    given = re.compile(r"^(apig-wsgi==\S+)", re.MULTILINE)
    text, count = given.subn(r"\1 ; python_version < '3.13'", lock.read_text())
    assert count == 1
    lock.write_text(text)
    return project


@pytest.fixture(scope="module")
def built(older: Project) -> Path:
    said: dict[str, Any] = json.loads(older.done("offload_package", "--json"))
    return Path(said["path"])


def test_it_is_made_by_that_python_and_runs_on_it(built: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        names = archive.namelist()
    program = f"""
import os, sys
from types import SimpleNamespace
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
import psycopg
from PIL import Image
import lambdas.web, lambdas.worker
context = SimpleNamespace(aws_request_id="1", get_remaining_time_in_millis=lambda: 30000)
answer = lambdas.web.handler({http("/admin/login/")!r}, context)
print(json.dumps([sys.version_info[:2], psycopg.pq.__impl__, answer["statusCode"]]))
"""

    said = clean.run(
        clean.unzip(built, tmp_path / "task"),
        link_runtime(tmp_path / "runtime"),
        program,
        python=interpreter("3.12"),
        AWS_EXECUTION_ENV="AWS_Lambda_python3.12",
        LAB_DATABASE=str(tmp_path / "lab.sqlite3"),
        ALLOWED_HOSTS="site.example",
    )

    assert said == [[3, 12], "binary", 200]
    modules, compiled = ([name for name in names if name.endswith(ending)] for ending in (".py", ".pyc"))
    assert len(compiled) == len(modules) > 1_000
    assert all(name.endswith(".cpython-312.pyc") for name in compiled)


def test_code_that_only_a_newer_python_reads_is_named(older: Project, tmp_path: Path) -> None:
    newer = Project(tmp_path / "shop", older.root)
    newer.stage(parameters={"Runtime": "python3.12"})
    newer.write("django_app/lab/newer.py", "class Box[Content = str]: ...\n")  # PEP 696, Python 3.13.

    ran = newer.run("offload_package")

    assert ran.returncode == 2
    assert "Python 3.12 cannot compile django_app/lab/newer.py. Correct the syntax." in ran.stderr
