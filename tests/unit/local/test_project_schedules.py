"""The schedules of a project as its code is now, read by a new process, and followed by offload_local."""

import os
import sys
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from django_offload.local.aws.project_schedules import ProjectSchedule, current_schedules
from django_offload.local.aws.schedule import Schedule, configured_rules
from django_offload.local.lambda_.async_invocations import AsyncInvocations
from django_offload.local.serve import reloader
from django_offload.local.serve.reloader import Reloader

from .fakes import FakeFunctions, FakeInvoker, function
from .test_schedule import rule

SETTINGS = """
    print("settings may print")
    SECRET_KEY = "x"
    INSTALLED_APPS = ["django_offload", "django.contrib.auth", "django.contrib.contenttypes", "shop"]
    TASKS = {
        "default": {
            "BACKEND": "django_offload.backends.SQSBackend",
            "OPTIONS": {
                "stack": "shop-dev",
                "schedules": {"rates": {"task": "shop.tasks.rates", "when": "rate(15 minutes)"}},
            },
        }
    }
"""
TASKS = """
    from django_offload import cron, task


    @task
    def rates(): ...


    @task(schedule=cron("0 3 * * *", timezone="Europe/Zurich"))
    def nightly(): ...
"""
RATES = ProjectSchedule(
    alias="default", name="rates", when="rate(15 minutes)", timezone="UTC", sweeper="shop-dev-sweeper"
)
NIGHTLY = ProjectSchedule(
    alias="default",
    name="nightly",
    when="cron(0 3 * * ? *)",
    timezone="Europe/Zurich",
    sweeper="shop-dev-sweeper",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop_settings.py").write_text(dedent(SETTINGS))
    (tmp_path / "shop" / "tasks.py").write_text(dedent(TASKS))
    return tmp_path


@pytest.fixture
def environment(project: Path) -> dict[str, str]:
    paths = [str(project), *filter(None, sys.path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "DJANGO_SETTINGS_MODULE": "shop_settings"}


def test_a_new_process_reads_settings_and_decorators(environment: dict[str, str]) -> None:
    assert current_schedules(environment) == [RATES, NIGHTLY]


def test_offload_local_follows_an_edit_and_keeps_what_it_has_while_the_code_is_broken(
    project: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweeper = rule(function_arn="arn:aws:lambda:eu-north-1:123456789012:function:shop-dev-sweeper")
    schedule = Schedule(
        [sweeper, *configured_rules([sweeper], [RATES, NIGHTLY])],
        functions=FakeFunctions(function()),
        async_invocations=AsyncInvocations(FakeInvoker()),
    )

    def follow(schedules: list[ProjectSchedule]) -> Any:
        return schedule.replace([sweeper, *configured_rules([sweeper], schedules)])

    aws: Any = SimpleNamespace(reload=lambda: 0, follow=follow, schedule=schedule, environment={})
    monkeypatch.setattr(reloader, "site_environment", lambda: environment)
    file, lines = project / "shop" / "tasks.py", []
    reload = Reloader(aws, lines.append)

    file.write_text(dedent(TASKS).replace("def nightly", "def weekly").replace("0 3 * * *", "0 3 * * 1"))
    reload([file])
    assert lines[1] == "  schedule  nightly is gone"
    assert lines[2].startswith("  schedule  weekly, cron(0 3 ? * 2 *) in Europe/Zurich, next 2")
    assert [one.name for one in schedule.rules] == ["shop-dev-sweeper", "rates", "weekly"]

    lines.clear()
    file.write_text("from django_offload import nothing_such\n")
    reload([file])
    assert lines[1].startswith(
        "  Schedules stay as they were, because the code can't be imported: ImportError: "
    )
    assert [one.name for one in schedule.rules] == ["shop-dev-sweeper", "rates", "weekly"]

    lines.clear()
    reload([project / "shop" / "templates" / "mail.txt"])
    assert len(lines) == 1, "no schedule is in a template"
