"""context.atomic() on SQLite and PostgreSQL: it stores effect and marker together, and once."""

import shutil
import threading
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections, transaction

from django_offload.compat import TASKS, TaskResultStatus
from django_offload.effects import marker
from django_offload.effects.models import Effect
from tests.contract import effect_tasks
from tests.contract.effect_tasks import fail_while_paying, pay, pay_in_parts
from tests.contract.setup import tasks_setting
from tests.reliability.databases import at_once, ledger, write

MODULES = ["tests.contract.effect_tasks"]


@pytest.fixture
def site(settings, database, request):
    settings.TASKS = tasks_setting(modules=MODULES)
    effect_tasks.afterwards.clear()
    effect_tasks.runs.clear()
    return request.getfixturevalue("offload")


def die():
    """Fail the attempt after its effect and before its outcome."""
    raise OSError("the worker is gone")


def test_effect_and_marker_are_stored_together(site):
    result = pay.enqueue("order 1")
    site.run()

    result.refresh()
    assert result.return_value == "order 1"
    assert ledger() == ["order 1"]
    (effect,) = Effect.objects.all()
    assert effect.id.startswith(f"{result.id}:")
    assert effect.result == '"order 1"'


def test_a_later_attempt_gets_the_stored_value_without_a_second_effect(site):
    effect_tasks.afterwards += [die, die]

    result = pay.enqueue("order 1")
    site.run()

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 3)
    assert result.return_value == "order 1"
    assert (ledger(), effect_tasks.runs) == (["order 1"], ["order 1"])


def test_an_exception_rolls_back_effect_and_marker(site):
    result = fail_while_paying.enqueue("order 1")
    site.run()

    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.SUCCESSFUL, 2)
    assert effect_tasks.runs == ["order 1", "order 1"]
    assert ledger() == ["order 1"]
    assert Effect.objects.count() == 1


def test_effects_are_separate_by_task_and_key(site):
    first, second = (pay_in_parts.enqueue(["a", "b"]) for _ in range(2))
    site.run()

    for result in (first, second):
        result.refresh()
        assert result.return_value == ["a", "b", "a"]
    assert ledger() == ["a", "a", "b", "b"]


def test_two_attempts_at_once_make_one_effect(site):
    meet = threading.Barrier(2)

    def attempt(name):
        meet.wait(10)
        return marker.once("a" * 32, "pay", lambda: f'"{write(name)}"', None)

    results = at_once(lambda: attempt("first"), lambda: attempt("second"))

    assert results[0] == results[1], "the later attempt got another value"
    assert ledger() == [results[0].strip('"')]


def test_an_attempt_runs_after_the_attempt_it_waited_for_has_failed(site):
    inside, others = threading.Event(), threading.Event()

    def fails():
        inside.set()
        others.wait(10)
        write("never seen")
        raise OSError("gone")

    def first():
        marker.once("a" * 32, "pay", fails, None)

    def second():
        inside.wait(10)
        threading.Timer(0.2, others.set).start()
        return marker.once("a" * 32, "pay", lambda: f'"{write("second")}"', None)

    gone, value = at_once(first, second)

    assert isinstance(gone, OSError)
    assert value == '"second"'
    assert ledger() == ["second"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_an_attempt_that_waited_under_repeatable_read_gets_the_stored_value(site):
    inside = threading.Event()

    def pays():
        inside.set()
        with connections["default"].cursor() as cursor:
            for _ in range(100_000):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    return f'"{write("first")}"'
        raise AssertionError("nobody waits")

    def second():
        with connections["default"].cursor() as cursor:
            cursor.execute("SET default_transaction_isolation = 'repeatable read'")
        inside.wait(10)
        return marker.once("a" * 32, "pay", lambda: f'"{write("second")}"', None)

    results = at_once(lambda: marker.once("a" * 32, "pay", pays, None), second)

    assert results == ['"first"', '"first"']
    assert ledger() == ["first"]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_transaction_too_old_to_see_the_stored_value_raises_an_error(site):
    def old():
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT 1")
            at_once(lambda: marker.once("a" * 32, "pay", lambda: f'"{write("first")}"', None))
            return marker.once("a" * 32, "pay", lambda: f'"{write("second")}"', None)

    (refused,) = at_once(old)

    assert isinstance(refused, OperationalError)
    assert "Give the task another attempt (max_attempts)" in str(refused)
    assert ledger() == ["first"]


def test_a_rollback_of_the_tasks_own_transaction_removes_its_effects(site):
    with transaction.atomic():
        marker.once("b" * 32, "pay", lambda: f'"{write("order")}"', None)
        transaction.set_rollback(True)

    assert (ledger(), Effect.objects.count()) == ([], 0)


@pytest.fixture
def second(migrated, tmp_path):
    """A second database, named "second", to which a router can send writes."""
    name = shutil.copy(migrated("sqlite")["NAME"], tmp_path / "second.sqlite3")
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(name)}
    connections.settings["second"] = connections.configure_settings({"default": database})["default"]
    yield connections["second"]
    connections["second"].close()
    del connections["second"], connections.settings["second"]


class Elsewhere:
    """A router that sends every write to the second database."""

    def db_for_write(self, model, **hints):
        return "second"


@pytest.mark.parametrize("using", [None, "default", "second"])
def test_using_names_the_database_of_effect_and_marker(site, second, settings, using):
    settings.DATABASE_ROUTERS = ["tests.contract.test_effects.Elsewhere"]

    marker.once("c" * 32, "pay", lambda: '"paid"', using)

    here, there = (Effect.objects.using(name).count() for name in ("default", "second"))
    assert (here, there) == ((0, 1) if using == "second" else (1, 0))


def test_without_the_app_the_error_says_what_to_install(site, settings):
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_offload.effects"]

    result = pay.enqueue("order 1")
    site.run()

    result.refresh()
    assert result.status == TaskResultStatus.FAILED
    error = result.errors[-1]
    assert error.exception_class_path == "django_offload.exceptions.ConfigurationError"
    assert "Add 'django_offload.effects' to INSTALLED_APPS and run migrate." in error.traceback
    assert ledger() == []


def test_atomic_works_under_djangos_immediate_backend(database, settings):
    settings.TASKS = {"default": {"BACKEND": f"{TASKS}.backends.immediate.ImmediateBackend"}}
    effect_tasks.afterwards.clear()

    result = pay.enqueue("order 1")

    assert result.return_value == "order 1"
    assert ledger() == ["order 1"]
    # There is no second attempt, so that neither the marker nor the app is needed.
    assert Effect.objects.count() == 0


def test_the_migrations_match_the_models(database):
    output = StringIO()

    call_command(
        "makemigrations", "offload_outbox", "offload_effects", check=True, dry_run=True, stdout=output
    )

    assert "No changes detected" in output.getvalue()


def test_the_migrations_can_be_reversed(database):
    call_command("migrate", "offload_effects", "zero", verbosity=0)
    call_command("migrate", "offload_outbox", "zero", verbosity=0)

    tables = connections["default"].introspection.table_names()

    assert not [name for name in tables if name.startswith("offload_")]
