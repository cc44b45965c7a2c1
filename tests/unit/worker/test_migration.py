"""The function that migrates, and nothing else."""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from django_offload.checks import check_database
from django_offload.exceptions import DatabaseNotShared, UnknownEvent
from django_offload.worker import migration


class Mapped(dict[str, str]):
    """A dictionary that isn't JSON's."""


POSTGRESQL = "django.db.backends.postgresql"


@pytest.mark.parametrize(
    "event", [{}, {"do": "flush"}, {"do": "migrate", "app": "x"}, "migrate", None, Mapped(do="migrate")]
)
def test_no_other_event_does_anything(event: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migration, "call_command", lambda *args, **kwargs: pytest.fail("it ran a command"))

    with pytest.raises(UnknownEvent, match=r'accepts only the event \{"do": "migrate"\}\. Check'):
        migration.handler(event, None)


@pytest.mark.django_db
def test_it_says_what_django_says(settings) -> None:
    settings.DEBUG = True

    said = migration.handler({"do": "migrate"}, None)["said"]

    assert "  No migrations to apply." in said


def test_a_database_of_its_own_is_refused_outside_debug(settings) -> None:
    settings.DEBUG = False

    with pytest.raises(DatabaseNotShared, match="SQLite keeps the database 'default' on the disk of one"):
        migration.handler({"do": "migrate"}, None)


def test_the_deploy_check_names_sqlite_outside_debug_alone(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DEBUG = False
    (found,) = check_database()
    settings.DEBUG = True
    in_debug = check_database()
    settings.DEBUG = False
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", POSTGRESQL)
    shared = check_database()

    assert (found.id, in_debug, shared) == ("django_offload.E022", [], [])
    assert "PostgreSQL" in found.hint


def test_the_check_runs_with_deploy_and_not_without(settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.DEBUG = False

    call_command("check", tags=["security"])
    said = capsys.readouterr()

    assert "E022" not in said.out + said.err
    with pytest.raises(SystemCheckError, match="E022"):
        call_command("check", deploy=True, tags=["security"])
