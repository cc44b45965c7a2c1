"""The probe: a task of the library that every registry knows, and that no project can define."""

import sys
from pathlib import Path

import pytest

from django_offload.compat import InvalidTask
from django_offload.definition import probe
from django_offload.definition.offload_task import task
from django_offload.definition.registry import PROBE, ListedRegistry, Registry, name_of
from django_offload.exceptions import UnknownTask
from tests.contract.setup import tasks_setting


@pytest.fixture(autouse=True)
def _ours(settings):
    settings.TASKS = tasks_setting(modules=[])


def import_no_others():
    raise AssertionError("Every task module was imported")


def impostor():
    """Do nothing: the function of a task that has the name of the probe."""


@pytest.mark.parametrize("tasks", [Registry([]), ListedRegistry({}, import_no_others)], ids=["all", "listed"])
def test_every_registry_knows_the_probe_and_imports_nothing_else_for_it(tasks):
    found = tasks.resolve(PROBE)

    assert (found.func, name_of(found), found.max_attempts) == (probe.probe, PROBE, 1)
    with pytest.raises(UnknownTask):
        tasks.resolve(f"{PROBE}.probe")


def test_the_probe_may_be_enqueued_on_any_queue_of_any_alias():
    tasks = Registry([])
    reports = probe.probe_task().using(backend="other", queue_name="reports")

    assert tasks.defined(reports).func is probe.probe
    assert tasks.tasks == {}, "No check, list or template has to do with it."
    assert tasks.listed == {}


def test_a_project_cannot_take_its_name():
    module = type(sys)("shop.tasks")
    module.impostor = task(name=PROBE)(impostor)

    tasks = Registry([module])

    assert tasks.conflicts == [PROBE]
    assert tasks.resolve(PROBE).func is probe.probe
    with pytest.raises(InvalidTask, match="is not in a task module of this project"):
        tasks.defined(module.impostor)


def test_it_returns_what_it_got_and_what_it_knows_of_its_process(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")

    returned = probe.probe_task().call("abc")

    assert returned.pop("process_seconds") > 0
    assert returned == {"version": "7", "memory": "512", "filling": "abc"}


def test_a_system_that_does_not_say_how_old_a_process_is(monkeypatch):
    monkeypatch.setattr(probe, "Path", lambda path: Path("/nowhere/at/all"))

    assert probe.process_seconds() is None
