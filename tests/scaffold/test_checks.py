"""The system checks that help with the first task and the first deployment."""

import json
from pathlib import Path

import pytest
from django.core.checks import CheckMessage, run_checks

from django_offload.compat import TASKS
from django_offload.deploy.scaffold import checks
from django_offload.deploy.scaffold.project_files import project_files
from django_offload.stack import layout as layouts
from django_offload.stack.layout import Layout
from tests.contract.setup import tasks_setting


def test_a_missing_backend_causes_a_warning_with_the_line_to_add(settings) -> None:
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}

    (message,) = checks.check_backend()

    assert message.id == "django_offload.W030"
    assert "django_offload.backends.SQSBackend" in message.hint
    for check in (checks.check_task_modules, checks.check_urls, checks.check_files):
        assert check() == []


def test_a_project_without_tasks_gets_a_warning(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_offload.definition.registry import Registry

    settings.TASKS = tasks_setting(modules=[])
    monkeypatch.setattr(checks, "registry_or_none", lambda: Registry([]))

    (message,) = checks.check_task_modules()

    assert message.id == "django_offload.W031"
    assert "tasks.py of an installed app" in message.hint


OFFLOADED = "from django_offload import task\n\n@task(max_attempts=2)\ndef build(year):\n    return year\n"


def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> list[CheckMessage]:
    """Return what the check reports about a project with these files."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    project = Layout(root=tmp_path, source=tmp_path, settings_module="shop.settings")
    monkeypatch.setattr(layouts, "layout", lambda: project)
    return checks.check_task_modules()


@pytest.mark.parametrize(
    ("path", "app"),
    [
        ("reports/tasks.py", "reports"),
        ("apps/reports/tasks.py", "apps.reports"),
        ("reports/tasks/__init__.py", "reports"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        OFFLOADED,
        "from django.tasks import task\n\n@task\ndef build():\n    pass\n",
        "import django_offload\n\n@django_offload.task\ndef build():\n    pass\n",
        "from django_tasks import task\n\ndef build():\n    pass\n\nbuild = task(build)\n",
    ],
)
def test_tasks_of_an_app_that_is_not_installed_are_named(
    tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch, path: str, app: str, text: str
) -> None:
    settings.TASKS = tasks_setting(modules=[])

    (message,) = checked(tmp_path, monkeypatch, {path: text})

    assert message.id == "django_offload.W037"
    assert (
        message.msg
        == f"{path} defines tasks that no worker would know, because INSTALLED_APPS doesn't name its app."
    )
    assert message.hint == f"Add '{app}' to INSTALLED_APPS, or '{app}.tasks' to OPTIONS['modules']."


def test_a_folder_that_modules_come_from_is_no_part_of_the_apps_name(
    tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = tasks_setting(modules=[])
    monkeypatch.syspath_prepend(str(tmp_path / "apps"))

    (message,) = checked(tmp_path, monkeypatch, {"apps/reports/tasks.py": OFFLOADED})

    assert message.hint == "Add 'reports' to INSTALLED_APPS, or 'reports.tasks' to OPTIONS['modules']."


def test_other_files_are_not_reported(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TASKS = tasks_setting(modules=["pies_by_module.tasks"])
    monkeypatch.syspath_prepend(str(tmp_path))
    files = {
        "pies_by_module/tasks.py": OFFLOADED,  # OPTIONS["modules"] names it.
        "celery_app/tasks.py": "from celery import shared_task\n\n@shared_task\ndef build():\n    pass\n",
        "celery_site/tasks.py": "from .celery import app\n\n@app.task\ndef build():\n    pass\n",
        "tests/tasks.py": OFFLOADED,
        "venv/pyvenv.cfg": "",
        "venv/lib/tasks.py": OFFLOADED,
        "node_modules/pies/tasks.py": OFFLOADED,
        ".cache/pies/tasks.py": OFFLOADED,
        "notes/tasks.py": "TASKS = 'from django_offload import task'\n",
        "plain/tasks.py": "from django_offload import progress\n",
    }

    assert checked(tmp_path, monkeypatch, files) == []


def test_an_installed_app_is_not_reported(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference site has tasks in an app with a configuration of its own."""
    assert checks.check_task_modules() == []


def test_missing_urls_cause_a_warning_with_the_line_to_add(settings) -> None:
    settings.TASKS = tasks_setting(modules=[])
    settings.ROOT_URLCONF = "tests.scaffold.no_urls"

    (message,) = checks.check_urls()

    assert message.id == "django_offload.W032"
    assert 'path("tasks/", include("django_offload.urls"))' in message.hint


def test_missing_files_cause_a_warning_of_check_deploy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Layout(root=tmp_path, source=tmp_path, settings_module="shop.settings")
    monkeypatch.setattr(layouts, "layout", lambda: project)

    without_deploy = [message.id for message in run_checks()]
    with_deploy = run_checks(include_deployment_checks=True)
    (message,) = [message for message in with_deploy if message.id == "django_offload.W033"]

    assert "django_offload.W033" not in without_deploy
    assert "lambdas/worker.py" in message.msg
    assert "manage.py offload_init" in message.hint


def test_a_web_side_with_the_stacks_name_is_an_error(
    tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = tasks_setting(modules=[], stack="pies-prod")
    stages = {"dev": {"project_name": "pies"}, "prod": {"extends": "dev"}}
    (tmp_path / "zappa_settings.json").write_text(json.dumps(stages))
    project = Layout(root=tmp_path, source=tmp_path, settings_module="shop.settings")
    monkeypatch.setattr(layouts, "layout", lambda: project)

    with_deploy = run_checks(include_deployment_checks=True)
    (message,) = [message for message in with_deploy if message.id == "django_offload.E034"]

    assert (
        "the web side of the stage 'prod' 'pies-prod', which is also the name of the tasks' stack"
        in message.msg
    )
    assert '"project_name": "pies-web"' in message.hint


def test_variables_that_workers_lack_cause_a_warning(
    tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TASKS = tasks_setting(modules=[])
    stages = {"dev": {"environment_variables": {"OVEN": "hot"}}, "prod": {"extends": "dev"}, "qa": {}}
    (tmp_path / "zappa_settings.json").write_text(json.dumps(stages))
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "dev.json").write_text("{}")
    (tmp_path / "infra" / "prod.json").write_text(json.dumps({"environment": {"OVEN": "hot"}}))
    project = Layout(root=tmp_path, source=tmp_path, settings_module="shop.settings")
    monkeypatch.setattr(layouts, "layout", lambda: project)

    with_deploy = run_checks(include_deployment_checks=True)
    (message,) = [message for message in with_deploy if message.id == "django_offload.W035"]

    assert "the web side of the stage 'dev' variables that its workers lack: OVEN." in message.msg
    assert message.hint == 'Add those that tasks read to infra/dev.json: "environment": {"OVEN": "…"}.'
    (tmp_path / "infra" / "dev.json").write_text("[]")
    assert checks.check_variables() == []  # The commands that read the file report it.


@pytest.mark.parametrize(
    ("stage", "stack", "stale"),
    [
        (None, "contract", []),
        ("prod", "contract", []),
        ("prod", "contract-dev", []),  # The template of the stage that a laptop has.
        (None, "contract-dev", ["infra/template.yaml"]),  # The stack has another name now.
    ],
)
@pytest.mark.parametrize("edited", [False, True])
def test_the_template_of_another_stage_is_not_stale(
    settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stage: str | None,
    stack: str,
    stale: list[str],
    edited: bool,
) -> None:
    settings.TASKS = tasks_setting(modules=[])
    project = Layout(root=tmp_path, source=tmp_path, settings_module="shop.settings")
    monkeypatch.setattr(layouts, "layout", lambda: project)
    monkeypatch.delenv("OFFLOAD_STAGE", raising=False)
    for change in project_files(project, "contract"):
        change.write()
    template = tmp_path / "infra" / "template.yaml"
    text = template.read_text().replace("contract", stack)
    template.write_text(text.replace("MessageRetentionPeriod", "Retention") if edited else text)
    if stage:
        monkeypatch.setenv("OFFLOAD_STAGE", stage)

    messages = checks.check_files()

    expected = stale or (["infra/template.yaml"] if edited and stack == "contract" else [])
    assert [message.msg for message in messages] == [
        f"Files that deploying needs are missing or stale: {name}." for name in expected
    ]
