"""Fixtures: real databases in the place of the default one, with connections of each thread's own."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, connections

from tests.reliability.postgresql import PostgreSQL

APPS = ("offload_outbox", "offload_effects")
LEDGER = "CREATE TABLE ledger (entry varchar(100) NOT NULL)"


@contextmanager
def default_database(wanted: dict[str, Any]) -> Iterator[None]:
    """Make `wanted` the default database, for this thread and those that start now."""
    before, mine = connections.settings[DEFAULT_DB_ALIAS], connections[DEFAULT_DB_ALIAS]
    configured = connections.configure_settings({DEFAULT_DB_ALIAS: dict(wanted)})
    connections.settings[DEFAULT_DB_ALIAS] = configured[DEFAULT_DB_ALIAS]
    del connections[DEFAULT_DB_ALIAS]
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS].close()
        connections.settings[DEFAULT_DB_ALIAS] = before
        connections[DEFAULT_DB_ALIAS] = mine


def migrate(database: dict[str, Any]) -> dict[str, Any]:
    """Give a database the tables of the outbox and the effects, and a ledger to write effects into."""
    with default_database(database):
        for app in APPS:
            call_command("migrate", app, verbosity=0)
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(LEDGER)
    return database


def write(entry: str, using: str = DEFAULT_DB_ALIAS) -> str:
    """Write into the ledger, on this thread's connection to a database; return the entry."""
    with connections[using].cursor() as cursor:
        cursor.execute("INSERT INTO ledger (entry) VALUES (%s)", [entry])
    return entry


def ledger(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Return every entry of the ledger of a database, in order."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT entry FROM ledger ORDER BY entry")
        return [row[0] for row in cursor.fetchall()]


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run each in a thread with connections of its own; return what they returned, or raised."""
    results: list[Any] = [None] * len(works)

    def run(number: int, work: Callable[[], Any]) -> None:
        try:
            results[number] = work()
        except Exception as exc:  # noqa: BLE001, the test looks at it
            results[number] = exc
        finally:
            connections.close_all()

    threads = [Thread(target=run, args=entry) for entry in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "Somebody waits for ever."
    return results


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    server = PostgreSQL()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def migrated(
    django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str], dict[str, Any]]:
    """Return what returns the settings of a migrated database of a vendor, made at the first call."""
    made: dict[str, dict[str, Any]] = {}

    def of(vendor: str) -> dict[str, Any]:
        if vendor not in made:
            if vendor == "postgresql":
                empty = request.getfixturevalue("postgresql").new_database()
            else:
                name = tmp_path_factory.mktemp("migrated") / "db.sqlite3"
                empty = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(name)}
            with django_db_blocker.unblock():
                made[vendor] = migrate(empty)
        return made[vendor]

    return of


@pytest.fixture
def sqlite_database(
    migrated: Callable[[str], dict[str, Any]], django_db_blocker: Any, tmp_path: Path
) -> Iterator[dict[str, Any]]:
    """SQLite in a file, as the default database, with Django's own defaults."""
    copy = shutil.copy(migrated("sqlite")["NAME"], tmp_path / "db.sqlite3")
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(copy)}
    with django_db_blocker.unblock(), default_database(settings):
        yield settings


@pytest.fixture
def postgresql_database(
    migrated: Callable[[str], dict[str, Any]], postgresql: PostgreSQL, django_db_blocker: Any
) -> Iterator[dict[str, Any]]:
    """PostgreSQL as the default database."""
    settings = postgresql.copy_of(migrated("postgresql")["NAME"])
    with django_db_blocker.unblock(), default_database(settings):
        yield settings


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each database in turn, as the default one."""
    found: dict[str, Any] = request.getfixturevalue(f"{request.param}_database")
    return found
