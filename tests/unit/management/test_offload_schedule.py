"""offload_schedule lists the recurring tasks, and pauses, resumes and runs them."""

from datetime import UTC, datetime

import pytest

from django_offload.conf import configured
from django_offload.definition import registry
from django_offload.operations import schedules
from tests.contract import scheduled_tasks as tasks
from tests.contract.setup import STACK, tasks_setting
from tests.unit.management.commands import run, run_json

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(settings, request):
    tasks.ran.clear()
    settings.TASKS = tasks_setting(modules=["tests.contract.scheduled_tasks"])
    return request.getfixturevalue("offload")


def test_it_lists_each_schedule_with_its_next_times(site):
    code, output = run("offload_schedule")

    assert code == 0
    assert "nightly of default: 0 3 * * * Europe/Zurich" in output
    assert "task    tests.contract.scheduled_tasks.nightly" in output
    assert "sync of default: every 15 minutes" in output
    assert "last    none yet" in output


def test_it_shows_the_result_of_the_last_occurrence_and_a_pause(site):
    code, output = run("offload_schedule", "--run", "nightly")
    task_id = output.split()[5].rstrip(".")
    assert (code, tasks.ran) == (0, [])
    site.run()
    assert run("offload_schedule", "--pause", "nightly") == (
        0,
        "nightly is paused.\n  → Let it go on: manage.py offload_schedule --resume nightly\n",
    )

    output = run("offload_schedule")[1]

    assert tasks.ran == [7]
    assert f"SUCCESSFUL  {task_id}" in output
    assert "paused  since " in output
    assert run("offload_schedule", "--pause", "nightly")[1].startswith("nightly is already paused.")
    assert run("offload_schedule", "--resume", "nightly") == (0, "nightly goes on.\n")
    assert run("offload_schedule", "--resume", "nightly") == (0, "nightly wasn't paused.\n")
    assert "paused" not in run("offload_schedule")[1]


def test_json_has_the_same(site):
    schedules.pause(configured()["default"], "sync", datetime(2026, 3, 1, 12, tzinfo=UTC))
    task_id = run_json("offload_schedule", "--run", "sync")[1]["task_id"]

    code, listed = run_json("offload_schedule")

    sync = next(one for one in listed if one["name"] == "sync")
    assert code == 0
    assert (sync["alias"], sync["task"], sync["when"], sync["overlap"]) == (
        *("default", "tests.contract.scheduled_tasks.sync_orders", "rate(15 minutes)", "skip"),
    )
    assert (sync["paused_at"], sync["last_id"], sync["last_status"], len(sync["next_times"])) == (
        *("2026-03-01T12:00:00Z", task_id, "READY", 3),
    )
    assert run_json("offload_schedule", "--pause", "sync")[1] == {
        "alias": "default",
        "name": "sync",
        "paused": True,
        "changed": False,
    }


def test_a_run_that_is_skipped_is_a_problem(site):
    run("offload_schedule", "--run", "sync")
    task_id = schedules.schedule_states()[1].last_id

    code, message = run("offload_schedule", "--run", "sync")

    assert code == 1
    assert "Nothing was enqueued, because the task of an earlier occurrence of sync" in message
    assert f"manage.py offload_result {task_id}" in message
    assert "was skipped, because the task of an earlier occurrence" in run("offload_schedule")[1]


def test_wrong_names_say_what_there_is(site):
    assert run("offload_schedule", "--run", "nigtly") == (
        2,
        "There is no schedule 'nigtly'. Did you mean nightly?",
    )
    assert run("offload_schedule", "--alias", "othr") == (
        2,
        "TASKS has no alias 'othr'. Use default or other.",
    )


def test_a_name_of_two_aliases_needs_the_alias(settings, offload):
    weekly = {"task": "tests.unit.tasks.double", "when": "rate(7 days)", "args": [2]}
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"], schedules={"weekly": weekly})

    code, message = run("offload_schedule", "--run", "weekly")
    assert code == 2
    assert "Add --alias with one of default, other." in message
    assert run("offload_schedule", "--run", "weekly", "--alias", "other")[0] == 0


def test_without_schedules_it_says_what_to_write(settings, offload):
    settings.TASKS = tasks_setting(modules=["tests.unit.tasks"])

    code, output = run("offload_schedule")

    assert code == 0
    assert output.splitlines()[0] == "No recurring tasks."
    assert "@task(schedule=every(minutes=15))" in output
    assert run_json("offload_schedule") == (0, [])


def test_a_module_that_cannot_be_imported_is_named(settings, offload, tmp_path, monkeypatch):
    (tmp_path / "broken_tasks.py").write_text("import nothing_like_it\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings.TASKS = tasks_setting(modules=["broken_tasks"])
    registry.registry.cache_clear()

    for command in (["offload_schedule"], ["offload_template", "--stack", STACK]):
        code, message = run(*command)
        assert code == 2
        assert "The task module 'broken_tasks' can't be imported: " in message
        assert "nothing_like_it" in message
        assert "broken_tasks.py, line 1" in message
