"""What differs from one version of Django to the next. This folder runs on each of them."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import VERSION

import django_offload
from django_offload import checks, compat
from django_offload.compat import HAS_TASKS, TASKS
from django_offload.definition.offload_task import OffloadTask
from tests.contract import tasks as plain
from tests.contract.setup import tasks_setting
from tests.unit import tasks

ROOT = Path(__file__).resolve().parents[2]
# What imports it says what to install. All of it needs no settings.
DOORS = [
    "django_offload",
    "django_offload.exceptions",
    "django_offload.apps",
    "django_offload.backends",
    "django_offload.aws.loopback",
    "django_offload.worker.start",
]
# Django, and what it needs, without the backport of its tasks.
DJANGO_ALONE = ("django", "asgiref", "sqlparse", "typing_extensions.py")
IMPORT = """
import sys
from importlib import import_module
sys.path[:0] = sys.argv[1].split(":")
for name in sys.argv[2:]:
    try:
        import_module(name)
    except ImportError as exc:
        print(f"{name}: {exc}")
"""
EVERY_MODULE = """
import django, pkgutil
from importlib import import_module
django.setup()
import django_offload
for module in pkgutil.walk_packages(django_offload.__path__, "django_offload."):
    if ".stack.handlers" not in module.name:
        import_module(module.name)
        print(module.name)
"""


def printed_by(script, *arguments, isolated=False):
    options = ["-I", "-S"] if isolated else []
    done = subprocess.run(
        [sys.executable, *options, "-W", "error", "-c", script, *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": "django_app:.", "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def django_alone(tmp_path):
    """Return a folder that has Django without the backport of its tasks."""
    for name in DJANGO_ALONE:
        spec = importlib.util.find_spec(name.removesuffix(".py"))
        if spec is not None and spec.origin is not None:
            found = Path(spec.origin)
            (tmp_path / name).symlink_to(found if name.endswith(".py") else found.parent)
    return tmp_path


def test_every_module_can_be_imported():
    names = printed_by(EVERY_MODULE)

    assert {"django_offload.backends.base", "django_offload.board.pages", "django_offload.local"} < set(names)


def test_without_the_backport_every_import_on_django_5_2_says_what_to_install(django_alone):
    lines = printed_by(
        IMPORT, f"{django_alone}:{ROOT / 'django_app'}", *DOORS[: 3 if HAS_TASKS else None], isolated=True
    )

    advice = (
        "Django 5.2 has no tasks of its own, and the backport that django-offload needs there isn't "
        'installed: run pip install "django-offload[django52]".'
    )
    assert lines == ([] if HAS_TASKS else [f"{name}: {advice}" for name in DOORS])


def test_another_backport_than_the_extra_installs_is_refused_with_the_same_sentence(django_alone):
    (django_alone / "django_tasks").mkdir()
    (django_alone / "django_tasks" / "__init__.py").touch()

    lines = printed_by(
        IMPORT, f"{django_alone}:{ROOT / 'django_app'}", "django_offload.exceptions", isolated=True
    )

    said = 'run pip install "django-offload[django52]".'
    assert [line.endswith(said) for line in lines] == ([] if HAS_TASKS else [True])


def test_the_app_of_the_backport_must_be_installed_where_django_has_no_tasks(settings):
    assert checks.check_backport() == []

    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "django_tasks"]

    messages = checks.check_backport()
    assert [message.id for message in messages] == ([] if HAS_TASKS else ["django_offload.E018"])
    for message in messages:
        assert message.msg.endswith("tasks are in the app 'django_tasks', which isn't installed.")
        assert message.hint.startswith("Add 'django_tasks' to INSTALLED_APPS.")


def test_every_name_of_djangos_tasks_comes_from_one_package():
    taken = {name: getattr(compat, name) for name in compat.MODULES}

    # Strings, numbers and proxies have no module of their own.
    homes = {
        value.__module__.partition(".base")[0].partition(".exceptions")[0]
        for value in taken.values()
        if isinstance(value, type)
    }
    assert homes <= {TASKS, f"{TASKS}.backends"}
    assert taken["signals"].__name__ == f"{TASKS}.signals"


def test_a_name_that_compat_lacks_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'django_offload.compat' has no attribute 'Job'"):
        _ = compat.Job


def test_our_decorator_takes_our_options_on_every_django(ours):
    task = django_offload.task(max_attempts=3, timeout=5)(tasks.double.func)

    assert (type(task), task.max_attempts, task.run_after) == (OffloadTask, 3, None)


def test_djangos_decorator_takes_our_options_except_on_django_6_0(ours):
    def decorate():
        return compat.task(max_attempts=3)(plain.nothing.func)

    if VERSION[:2] == (6, 0):
        with pytest.raises(TypeError, match="max_attempts"):
            decorate()
    else:
        assert decorate().max_attempts == 3


def test_a_task_has_the_same_defaults_on_every_django(ours):
    task = OffloadTask(func=tasks.double.func)

    assert (task.priority, task.backend, task.queue_name, task.run_after) == (0, "default", "default", None)


def test_what_the_backport_made_beside_djangos_own_tasks_reports_no_problem_twice(settings, monkeypatch):
    settings.TASKS = tasks_setting(modules=[], stak="x")
    beside = type(compat.task_backends)()
    ours, of_backport = compat.task_backends["default"], beside["default"]
    monkeypatch.setitem(sys.modules, "django_tasks", SimpleNamespace(task_backends=beside))

    assert [message.id for message in ours.check()] == ["django_offload.E002"]
    assert len(of_backport.check()) == (0 if HAS_TASKS else 1)
