"""F7: a serving process killed around its commit, 5 points × 200; what was committed is done."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from django_offload.outbox import drain as outbox
from django_offload.testing import Offload
from tests.reliability import tasks
from tests.reliability.databases import default_database, ledger
from tests.reliability.serving import POINTS, STACK, Spool, setting

KILLS = 200
ROOT = Path(__file__).resolve().parents[2]


def kill(kills: int, settings: Any, spool: Spool, *, kept: bool) -> set[int]:
    """Kill serving processes, `kills` at each point; return the numbers of the orders that were committed."""
    settings.TASKS = setting(outbox=kept)
    roots = os.pathsep.join([str(ROOT / "django_app"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    database = connection.settings_dict["NAME"]
    # In a process of its own: the tests' would be slow to fork.
    run = subprocess.run(
        [sys.executable, "-m", "tests.reliability.serving", database, spool.path, str(kills), str(int(kept))],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": roots, "SECRET_KEY": settings.SECRET_KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    points = [point for point in POINTS if kept or point != "at the end"]
    assert json.loads(run.stdout) == {f"{point}: {-signal.SIGKILL}": kills for point in points}, run.stderr
    return {int(entry) for entry in ledger()}


def recover(spool: Spool) -> set[int]:
    """Drain the outbox, sweep and run what AWS holds; return the numbers of the orders worked on."""
    tasks.executions.clear()
    with Offload().active() as aws:
        spool.replay(aws.stores[STACK], aws.transports[STACK])
        # The first sweep may find a backlog. It looks again when the tasks have waited four times as long.
        for times in (20, 80, 20):
            aws.clock.skip_to(aws.clock() + outbox.FRESH * times)
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
