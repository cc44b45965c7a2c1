"""A project with another layout is deployed exactly as the tutorial says."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.postgresql import PostgreSQL
from tests.scaffold import readme as adopting
from tests.scaffold import wheel
from tests.scaffold.projects import NESTED, Project

from . import readme
from .cloud import Cloud
from .project import PATIENCE_SECONDS

REGION = "eu-west-3"
WEB = "backoffice-web-dev"
NEEDED = ("django", "psycopg", "psycopg-binary", "whitenoise", "werkzeug")


class Here:
    """The project's own environment, with the packages of the tests' environment and of the wheel."""

    def __init__(self, folder: Path, built: Path) -> None:
        self.folder = folder
        venv.create(folder, symlinks=True, with_pip=False)
        version = "python{}.{}".format(*sys.version_info[:2])
        site = folder / "lib" / version / "site-packages"
        with zipfile.ZipFile(built) as archive:
            archive.extractall(site)
        (site / "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def run(self, command: str, cwd: Path, *, typed: str = "") -> str:
        """Run a command line as in a terminal that leads to the stand-in for AWS."""
        binaries = [self.folder / "bin", Path(sys.executable).parent, os.environ["PATH"]]
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "PYTHON"))}
        ran = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=cwd,
            env={**kept, "PATH": os.pathsep.join(map(str, binaries))},
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
        return ran.stdout


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> dict[str, Any]:
    return postgresql.new_database()


@pytest.fixture(scope="module")
def stage(database: dict[str, Any]) -> dict[str, Any]:
    """The stage's file from the page, with the hosts and the region of the tests."""
    said: dict[str, Any] = json.loads(readme.own_file("json"))
    said["region"] = REGION
    said["environment"] |= {
        "ALLOWED_HOSTS": "site.example",
        **{f"DB_{name}": str(database[name]) for name in ("HOST", "PORT", "NAME", "USER")},
    }
    return said


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, stage: dict[str, Any]) -> Iterator[Cloud]:
    parameters = {
        reference.removeprefix("ssm:"): f"of-{name}" for name, reference in stage["secrets"].items()
    }
    cloud = Cloud(tmp_path_factory.mktemp("packages"), parameters, web=WEB, region=REGION)
    try:
        yield cloud
    finally:
        cloud.close()


def test_it_is_packaged_and_deployed_and_its_tasks_run(
    cloud: Cloud, stage: dict[str, Any], tmp_path: Path
) -> None:
    built = wheel.build(tmp_path / "wheel")
    here: Any = Here(tmp_path / "environment", built)
    project = Project(tmp_path / NESTED.package, NESTED, here)
    for part in adopting.files():
        project.write(part)
    install, init, package, look, deploy = readme.own_commands()
    assert install == 'pip install "django-offload[deploy]"'
    project.run(init, typed="y\n")
    project.append(project.source / NESTED.package / NESTED.settings, readme.own_file("python"))
    (project.root / "infra" / "dev.json").write_text(json.dumps(stage))
    requirements(project.root / "lambdas" / "requirements.txt", built)

    packaged = project.run(f"{package} --json")
    project.run(look.replace("dist/", "../dist/"))
    said = project.run(f"{deploy.replace('dist/', '../dist/')} --yes")
    cloud.start()
    page = cloud.request("/admin/login/")
    accepted = cloud.request("/report/")

    assert json.loads(packaged)["path"] == str(project.root / "dist" / "dev-x86_64.zip")
    assert "Applying auth.0001_initial... OK" in said
    assert (page.status, accepted.status) == (200, 202)
    css = page.text.partition('href="/static/admin/css/')[2].partition('"')[0]
    assert cloud.request(f"/static/admin/css/{css}").headers["Content-Type"].startswith("text/css")
    assert cloud.ended(accepted)["return_value"] == {"people": 0}


def requirements(file: Path, built: Path) -> None:
    """Write the project's requirements, with the versions of the lock file and the wheel built here."""
    pins = {pin.partition("==")[0].lower(): pin for pin in wheel.pins()}
    lines = [f"--find-links {built.parent}", f"django-offload=={wheel.VERSION}"]
    file.write_text("\n".join([*lines, *(pins[name] for name in NEEDED)]) + "\n")
