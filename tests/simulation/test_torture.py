"""The command `make torture`, with fewer tasks: it loses nothing, tells other designs apart, and replays."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .checker import check
from .deploys import ROLLOUT
from .designs import OTHERS
from .faults import Fault
from .world import World

TASKS = 6_000
ROOT = Path(__file__).parents[2]


def run(tasks: int, seed: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.simulation.torture", "--tasks", str(tasks), "--seed", str(seed)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'django_app'}{os.pathsep}{ROOT}"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, cwd=ROOT, env=environment
    )


@pytest.fixture(scope="module")
def output() -> str:
    """What one bounded run prints."""
    done = run(TASKS, 20260301)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def row(output: str, title: str) -> list[float]:
    """Return the numbers in a row of the table."""
    line = next(line for line in output.splitlines() if re.match(rf" *{title}  ", line))
    cells = re.findall(r" {2,}([\d,.]+)", line.strip().removeprefix(title))
    return [float(cell.replace(",", "")) for cell in cells]


def test_no_task_is_lost_duplicated_stuck_or_wrong(output):
    assert row(output, "attempted")[0] == TASKS
    for bad in ("lost", "duplicated", "stuck", "wrong", "unexpected"):
        assert row(output, bad)[0] == 0, output


def test_every_kind_of_fault_strikes(output):
    # A million tasks meet 0.38 each at least; so few tasks, some more or fewer.
    assert row(output, "faults")[0] >= 0.36 * TASKS
    assert len(Fault) == 12
    assert all(row(output, fault.value)[0] > 0 for fault in Fault), output


def test_every_release_writes_while_tasks_are_under_way(output):
    assert [release.name for release in ROLLOUT[:6]] == [
        *("0.1.0", "2 shards", "0.1.0", "2 shards"),
        *("32 shards", "8 shards"),
    ]
    for release in ROLLOUT:
        assert row(output, f"writes, {release.name}")[0] > TASKS / 20, output


def test_other_designs_lose_work(output):
    names = ("lost", "duplicated", "stuck", "wrong")
    naive, claim_once, unfenced = (sum(row(output, name)[design] for name in names) for design in (1, 2, 3))

    assert naive
    assert claim_once
    assert unfenced


def test_the_legend_says_what_other_designs_lack(output):
    for design in OTHERS:
        assert f"{design.name}: {design.lacks}" in output.splitlines()


def test_recovery_follows_the_end_of_the_lease_within_a_sweep(output):
    assert row(output, "recoveries")[0] > 20
    assert row(output, "undisturbed")[0] >= row(output, "recoveries")[0] / 4
    assert row(output, "of all")[0] >= 25
    assert row(output, "recovery p99")[0] <= 65


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("simulated")
def test_a_seed_replays_a_run_exactly():
    def played() -> tuple[object, ...]:
        world = World("again", 300)
        world.run()
        report = check(world)
        return report.counts, report.faults, report.recoveries, world.time.now, world.swept

    assert played() == played()
