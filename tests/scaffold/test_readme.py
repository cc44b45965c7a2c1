"""A fresh project does what the README says, to the letter, and its tasks run."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reliability.postgresql import PostgreSQL
from tests.scaffold import readme
from tests.scaffold.environment import Environment
from tests.scaffold.projects import FLAT, NESTED, Project, Shape
from tests.scaffold.site import site

MOST_SETTINGS_LINES = 8
LONGEST_SECONDS = 300
USERS = "from django.contrib.auth.models import User; [User.objects.create(username=n) for n in 'abc']"


def test_the_settings_take_at_most_8_lines() -> None:
    (settings,) = [part for part in readme.files() if part.name.endswith("settings.py")]

    assert 0 < len(settings.text.splitlines()) <= MOST_SETTINGS_LINES


def test_after_installing_one_command_runs_tasks() -> None:
    (install, *others) = readme.commands()

    assert install.startswith("pip install")
    assert "python manage.py offload_local" in others


@pytest.mark.parametrize(
    ("version", "shape", "vendor"),
    [
        ("3.13", FLAT, "sqlite"),
        ("3.13", NESTED, "postgresql"),
        ("3.12", NESTED, "sqlite"),
    ],
    ids=lambda value: value.package if isinstance(value, Shape) else value,
)
def test_a_fresh_project_runs_tasks_after_what_the_readme_says(
    version: str,
    shape: Shape,
    vendor: str,
    environment: Callable[[str], Environment],
    postgresql: PostgreSQL,
    tmp_path: Path,
) -> None:
    project = Project(tmp_path / shape.package, shape, environment(version))
    if vendor == "postgresql":
        project.use_database(postgresql.new_database())
    began = time.monotonic()

    install, *commands, last = readme.commands()
    write(project, install)
    said = [project.run(command, typed="y\n") for command in commands]
    use(project, last)

    assert any("System check identified no issues" in one for one in said)
    assert (project.root / "lambdas" / "worker.py").exists()
    assert f"/var/task{'/src' if shape is NESTED else ''}\n" in (
        project.root / "infra" / "template.yaml"
    ).read_text().replace("'", "")
    assert time.monotonic() - began < LONGEST_SECONDS


def test_one_command_is_enough_to_run_tasks(
    environment: Callable[[str], Environment], postgresql: PostgreSQL, tmp_path: Path
) -> None:
    project = Project(tmp_path / "shop", FLAT, environment("3.12"))
    project.use_database(postgresql.new_database())

    write(project, readme.commands()[0])
    project.run("python manage.py migrate")
    use(project, "python manage.py offload_local")

    assert not (project.root / "lambdas").exists()


def write(project: Project, install: str) -> None:
    """Write what the README has people write, and install."""
    for part in readme.files():
        project.write(part)
    project.run(install)


def use(project: Project, command: str) -> None:
    """Start the site, ask for a report, and follow it to its end."""
    project.run(f'python manage.py shell --no-imports -c "{USERS}"')
    with site(project, command) as running:
        status, headers, body = running.enqueue("/report/")
        ended = running.follow(headers["Location"])

    assert (status, body["status"]) == (202, "READY")
    assert ended["status"] == "SUCCESSFUL", f"{ended}\n{running.said}"
    assert ended["return_value"] == {"people": 3}
    assert ended["progress"] == {"done": 3, "total": 3, "message": "c"}
