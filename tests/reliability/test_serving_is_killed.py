"""F7: a serving process killed around its commit, 5 points × 200; what was committed is done."""

import signal
from pathlib import Path
from typing import Any

import pytest

from django_offload import stores, transports
from django_offload.outbox import drain as outbox
from django_offload.testing import Offload
from tests.reliability import tasks
from tests.reliability.databases import ledger
from tests.reliability.serving import POINTS, Spool, SpoolStore, SpoolTransport, serve_one

KILLS = 200
STACK = "serving"


def setting(*, outbox: bool) -> dict[str, Any]:
    return {
        "default": {
            "BACKEND": "django_offload.backends.SQSBackend",
            "OPTIONS": {"stack": STACK, "modules": ["tests.reliability.tasks"], "outbox": outbox},
        }
    }


def kill(kept: bool, settings: Any, spool: Spool) -> set[int]:
    """Kill 1,000 serving processes; return the numbers of the orders that were committed."""
    settings.TASKS = setting(outbox=kept)
    clock = Offload().clock
    stores.installed[STACK] = SpoolStore(spool)
    transports.installed[STACK] = SpoolTransport(spool, clock)
    try:
        for number in range(KILLS * len(POINTS)):
            point = POINTS[number % len(POINTS)]
            ended = serve_one(number, point, spool)
            assert ended == (0 if point == "at the end" and not kept else -signal.SIGKILL), (point, ended)
    finally:
        del stores.installed[STACK], transports.installed[STACK]
    return {int(entry) for entry in ledger()}


def recover(spool: Spool) -> set[int]:
    """Drain the outbox, sweep and run what AWS holds; return the numbers of the orders worked on."""
    tasks.executions.clear()
    with Offload().active() as aws:
        spool.replay(aws.stores[STACK], aws.transports[STACK])
        for _ in range(3):
            aws.clock.skip_to(aws.clock() + outbox.FRESH * 20)
            aws.sweep()
            aws.run()
        assert {record["status"] for record in aws.stores[STACK].records.values()} == {"SUCCESSFUL"}
    return set(tasks.executions)


@pytest.fixture
def fast_database(sqlite_database: dict[str, Any]) -> None:
    """SQLite that leaves it to the system when to write: a killed process loses nothing by that."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")


def test_f07_with_the_outbox_nothing_committed_is_lost(
    fast_database: None, settings: Any, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    committed = kill(True, settings, spool)

    done = recover(spool)

    assert len(committed) == KILLS * (len(POINTS) - 1), "a kill before the commit commits nothing"
    assert committed - done == set(), "lost"
    assert done - committed == set(), "done without having been committed"
    assert len(tasks.executions) == len(done), "done twice"


def test_f07_without_the_outbox_the_moment_after_the_commit_can_lose(
    fast_database: None, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = Spool(tmp_path / "spool")
    committed = kill(False, settings, spool)

    done = recover(spool)

    with capsys.disabled():
        print(
            f"\n  without the outbox: {len(committed - done)} of {len(committed)} killed requests lost a task"
        )
    assert done <= committed
