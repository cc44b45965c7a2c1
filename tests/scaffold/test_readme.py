"""A fresh project does what the README says, to the letter, and its tasks run."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.postgresql import PostgreSQL
from tests.scaffold import readme, wheel
from tests.scaffold.environment import Environment
from tests.scaffold.projects import FLAT, NESTED, Project, Shape
from tests.scaffold.site import site

MOST_SETTINGS_LINES = 8
LONGEST_PITCH = 10
LONGEST_SECONDS = 300
# Typed in the folder of the project.
CLONE = "../django-offload"


def test_the_settings_take_at_most_8_lines() -> None:
    (settings,) = [part for part in readme.files() if part.name.endswith("settings.py")]

    assert 0 < len(settings.text.splitlines()) <= MOST_SETTINGS_LINES


def test_the_code_at_the_top_is_ten_lines_of_a_task_and_its_view() -> None:
    pitch = readme.pitch()
    lines = [line for part in pitch for line in part.text.splitlines() if line]

    assert [part.name for part in pitch] == ["reports/tasks.py", "reports/views.py"]
    assert len(lines) <= LONGEST_PITCH


def test_three_commands_lead_to_the_first_finished_task() -> None:
    assert readme.commands() == [
        'pip install "django-offload[local]"',
        "python manage.py migrate",
        "python manage.py offload_local",  # offload_init is for deploying.
    ]


def test_the_order_is_settings_task_view() -> None:
    assert [part.name for part in readme.files()] == [
        "shop/settings.py",
        "reports/tasks.py",
        "reports/views.py",
        "shop/urls.py",
    ]


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
    write(project, readme.files(), install)
    # A project that is also prepared for deploying runs its tasks all the same.
    printed = [
        project.run(command, typed="y\n")
        for command in (*commands, *readme.deploying_commands(), "python manage.py check")
    ]
    status = use(project, last)

    assert "System check identified no issues" in printed[-1]
    assert (project.root / "lambdas" / "worker.py").exists()
    assert f"/var/task{'/src' if shape is NESTED else ''}\n" in (
        project.root / "infra" / "template.yaml"
    ).read_text().replace("'", "")
    assert {key: status[key] for key in readme.status()} == readme.status()
    assert time.monotonic() - began < LONGEST_SECONDS


def test_the_steps_of_the_readme_are_enough_to_run_tasks_from_a_clone(
    environment: Callable[[str], Environment], postgresql: PostgreSQL, tmp_path: Path
) -> None:
    project = Project(tmp_path / "shop", FLAT, environment("3.12"))
    project.use_database(postgresql.new_database())
    wheel.copy_sources(tmp_path / "django-offload")

    install, *commands, last = readme.commands()
    from_clone = install.replace("django-offload", CLONE)
    assert f"`{from_clone}`" in readme.README.read_text()
    write(project, readme.files(), from_clone)
    printed = project.run("python manage.py check")
    for command in commands:
        project.run(command)
    status = use(project, last)

    assert "System check identified no issues" in printed
    assert {key: status[key] for key in readme.status()} == readme.status()
    assert not (project.root / "lambdas").exists()


def test_the_ten_lines_at_the_top_run(environment: Callable[[str], Environment], tmp_path: Path) -> None:
    project = Project(tmp_path / "shop", FLAT, environment("3.13"))

    install, *commands, last = readme.commands()
    pitch = {part.name: part for part in readme.pitch()}
    write(project, [pitch.get(part.name, part) for part in readme.files()], install)
    for command in commands:
        project.run(command)
    status = use(project, last)

    assert (status["status"], status["return_value"]) == ("SUCCESSFUL", {"people": 0})


def write(project: Project, files: Sequence[readme.Part], install: str) -> None:
    """Write what the README has people write, and install."""
    for part in files:
        project.write(part)
    project.run(install)


def use(project: Project, command: str) -> dict[str, Any]:
    """Start the site, ask for a report, and return its status once it has ended."""
    with site(project, command) as running:
        status, headers, body = running.enqueue("/report/")
        ended = running.follow(headers["Location"])

    assert (status, body["status"]) == (202, "READY")
    assert ended["status"] == "SUCCESSFUL", f"{ended}\n{running.said}"
    return ended
