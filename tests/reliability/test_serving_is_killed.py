"""F7: a serving process killed around its commit, 5 points × 200; what was committed is done."""

import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_offload import stores, transports
from django_offload.outbox import drain as outbox
from django_offload.testing import Offload
from django_offload.worker.batch import utc_now
from tests.reliability import tasks
from tests.reliability.databases import default_database, ledger
from tests.reliability.serving import (
    POINTS,
    STACK,
    Spool,
    SpoolStore,
    SpoolTransport,
    request_of,
    serve,
    view,
)

KILLS = 200


def setting(*, outbox: bool) -> dict[str, Any]:
    return {
        "default": {
            "BACKEND": "django_offload.backends.SQSBackend",
            "OPTIONS": {"stack": STACK, "modules": ["tests.reliability.tasks"], "outbox": outbox},
        }
    }


def kill(kills: int, settings: Any, spool: Spool, *, kept: bool) -> set[int]:
    """Kill serving processes, `kills` at each point; return the numbers of the orders that were committed."""
    settings.TASKS = setting(outbox=kept)
    stores.installed[STACK] = SpoolStore(spool)
    transports.installed[STACK] = SpoolTransport(spool, utc_now)
    points = [point for point in POINTS if kept or point != "at the end"]
    try:
        # Warm: what a process does once is done.
        view(request_of(0))
        ended = serve(((n, points[n % len(points)]) for n in range(1, kills * len(points) + 1)), spool)
    finally:
        del stores.installed[STACK], transports.installed[STACK]
    assert Counter(ended) == {(point, -signal.SIGKILL): kills for point in points}
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
def fast_database(migrated: Any, django_db_blocker: Any, tmp_path: Path) -> Iterator[None]:
    """SQLite that leaves it to the system when to write: a killed process loses nothing by that."""
    wanted = {
        **migrated("sqlite"),
        "NAME": str(shutil.copy(migrated("sqlite")["NAME"], tmp_path / "db.sqlite3")),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;",
        },
    }
    with django_db_blocker.unblock(), default_database(wanted):
        yield


def test_f07_with_the_outbox_nothing_committed_is_lost(
    fast_database: None, settings: Any, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    committed = kill(KILLS, settings, spool, kept=True)

    done = recover(spool)

    assert len(committed) == 1 + KILLS * (len(POINTS) - 1), "a kill before the commit commits nothing"
    assert committed - done == set(), "lost"
    assert done - committed == set(), "done without having been committed"
    assert len(tasks.executions) == len(done), "done twice"


def test_f07_without_the_outbox_the_moment_after_the_commit_can_lose(
    fast_database: None, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = Spool(tmp_path / "spool")
    committed = kill(KILLS // 10, settings, spool, kept=False)

    done = recover(spool)

    with capsys.disabled():
        print(f"\n  without the outbox: {len(committed - done)} of {len(committed)} committed tasks lost")
    assert done <= committed
