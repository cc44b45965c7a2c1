"""Real worker processes, killed at random: nothing lost, nothing done twice, nothing stuck."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.kills import verdict
from tests.reliability.nursery import POINTS

ROOT = Path(__file__).resolve().parents[2]
# A fifth of what `make kills` does: it takes as much less time.
TASKS, KILLS = 200, 20
# Between claim and acknowledgement; one in five kills hits a worker wherever it is.
IN_ATTEMPTS = 16


def test_f02_tasks_of_killed_workers_end_and_their_effects_happen_once() -> None:
    roots = os.pathsep.join([str(ROOT / "django_app"), str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.reliability.kills",
            *("--tasks", str(TASKS)),
            *("--kills", str(KILLS)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": roots},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )

    assert run.returncode in {0, 1}, run.stderr
    report = json.loads(run.stdout)
    assert (report["tasks"], report["killed"]) == (TASKS, KILLS)
    assert sum(report["killed_at"].get(point, 0) for point in POINTS) >= IN_ATTEMPTS, report
    assert report["attempts"] > TASKS, "no kill cost an attempt"
    assert {kind: report[kind] for kind in ("lost", "duplicated", "stuck", "wrong")} == {
        "lost": 0,
        "duplicated": 0,
        "stuck": 0,
        "wrong": 0,
    }, report


SOUND = {"lost": 0, "duplicated": 0, "stuck": 0, "wrong": 0, "killed": 100, "seconds": 119.9}


@pytest.mark.parametrize(
    ("found", "within", "problems"),
    [
        ({}, 120, []),
        ({"seconds": 120.1}, 120, ["it took 120.1 s, more than 120"]),
        ({"seconds": 120.1}, None, []),
        ({"duplicated": 1, "killed": 99}, None, ["1 duplicated", "only 99 of 100 workers were killed"]),
    ],
)
def test_the_verdict_bounds_the_seconds_where_it_is_asked_to(
    found: dict[str, Any], within: float | None, problems: list[str]
) -> None:
    assert verdict({**SOUND, **found}, 100, within) == problems
