"""Compare our package with the one that Zappa itself builds of the project."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import asgiref
import pytest
import zappa

from django_offload.local.lambda_.deployed_code import link_runtime

from . import clean
from .http_events import http
from .project import PATIENCE_SECONDS, PLANTED, REGION, ROOT, Project, files_with

# Ours has debug mode off, and no region, because every function's environment has it.
OURS = {"DEBUG", "ENVIRONMENT_VARIABLES"}


@pytest.fixture(scope="module")
def zappas(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package that `zappa package` builds of the project, in a small environment."""
    site = tmp_path_factory.mktemp("venv") / "lib" / "python3.13" / "site-packages"
    shutil.copytree(Path(asgiref.__file__).parent, site / "asgiref")
    # Zappa copies its own package from the active environment.
    shutil.copytree(Path(zappa.__file__).parent, site / "zappa")
    made = project.root / "zappa.zip"
    subprocess.run(
        [
            Path(sys.executable).with_name("zappa"),
            "package",
            "dev",
            "--output",
            made.name,
            "--disable_progress",
        ],
        cwd=project.root,
        env={
            **os.environ,
            "VIRTUAL_ENV": str(site.parents[2]),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    return made


def settings(package: Path) -> dict[str, object]:
    """Return the names and values in a package's zappa_settings module."""
    with zipfile.ZipFile(package) as archive:
        module = ast.parse(archive.read("zappa_settings.py"))
    return {
        target.id: ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def test_our_package_says_to_its_handler_what_zappa_would(package: Path, zappas: Path) -> None:
    ours, theirs = settings(package), settings(zappas)
    # Zappa searches every file for a word to set this, and only WebSockets use it.
    theirs.pop("WEBSOCKET_HANDLER_MODULE", None)

    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} <= OURS


def test_our_package_has_nothing_of_zappa(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
        handler = archive.read("handler.py").decode()

    assert tops.isdisjoint({"zappa", "werkzeug", "durationpy", "markupsafe"})
    assert "apig_wsgi" in tops
    assert "from django_offload.web.start import start" in handler


def locked(*names: str) -> str:
    """Return what requirements.lock has of these packages, their hashes too."""
    blocks = re.split(r"^(?=\S)", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)
    return "".join(block for block in blocks if block.partition("==")[0] in names)


def test_a_stage_that_names_zappas_handler_gets_it_whole(
    project: Project, zappas: Path, tmp_path: Path
) -> None:
    own = Project(tmp_path / "shop", project.root)
    stages = json.loads((own.root / "zappa_settings.json").read_text())
    stages["dev"]["lambda_handler"] = "handler.lambda_handler"
    own.write("zappa_settings.json", json.dumps(stages))
    # A locked package installs nothing else, so this stage's file also locks what Zappa's handler needs.
    lock = own.root / "lambdas" / "requirements.lock"
    own.write(
        "lambdas/requirements.lock",
        lock.read_text() + locked("durationpy", "markupsafe", "werkzeug", "zappa"),
    )

    built = Path(json.loads(own.done("offload_package", "--json"))["path"])

    with zipfile.ZipFile(built) as one, zipfile.ZipFile(zappas) as other:
        assert one.read("handler.py") == other.read("handler.py")
    program = """
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from handler import lambda_handler
print(json.dumps(lambda_handler(EVENT, None)["statusCode"]))
"""
    answer = clean.run(
        clean.unzip(built, tmp_path / "task"),
        link_runtime(tmp_path / "runtime"),
        program.replace("EVENT", repr(http("/", url=True))),
        LAB_DATABASE=str(tmp_path / "lab.sqlite3"),
        ALLOWED_HOSTS="site.example",
        DJANGO_SETTINGS_MODULE="config.settings",
    )
    assert answer == 200


def test_zappas_package_has_the_code_where_ours_has_it_and_no_secrets_either(zappas: Path) -> None:
    with zipfile.ZipFile(zappas) as archive:
        names = set(archive.namelist())

    assert {"django_app/lab/tasks.py", "lambdas/web.py", "lambdas/worker.py"} <= names
    assert files_with(PLANTED, zappas) == []
