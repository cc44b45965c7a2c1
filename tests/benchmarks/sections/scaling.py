"""Scaling: what is done to a few records must not grow with all the others."""

import json
import statistics
import subprocess
import sys
from typing import Any

from tests.benchmarks.processes import ROOT, clean_environment
from tests.benchmarks.report import Figure, Section, table
from tests.benchmarks.rounds import Plan
from tests.benchmarks.scaling import DUE, ENQUEUED, LISTED

SIZES = (1_000, 10_000, 100_000, 1_000_000)
ACTIONS = {
    "enqueue": f"enqueue {ENQUEUED}",
    "sweep": f"sweep, {DUE} due",
    "list": f"list the first {LISTED} dead letters",
}
COUNTS = ("writes", "reads", "entries")
MOST_ROUNDS = 3


def section(plan: Plan) -> Section:
    sizes = SIZES if plan.full else SIZES[:2]
    found = {size: [measured(size) for _ in range(min(plan.rounds, MOST_ROUNDS))] for size in sizes}
    rows, figures = [], []
    for action, label in ACTIONS.items():
        cpu = [statistics.median(run[action]["cpu"] for run in found[size]) for size in sizes]
        counts = [{name: found[size][0][action][name] for name in COUNTS} for size in sizes]
        said = ", ".join(f"{counts[-1][name]:g} {name}" for name in COUNTS)
        rows.append([label, *[f"{1000 * spent:.1f}" for spent in cpu], said])
        growth = max(max(other[name] - counts[0][name] for other in counts) for name in COUNTS)
        figures.append(
            Figure(f"{label}: more calls and reads with {sizes[-1]:,} records than with 1,000", growth, 0, "")
        )
    heads = ["CPU, ms, with so many records", *[f"{size:,}" for size in sizes], "in the largest"]
    return Section(
        "Scaling",
        "Records and queue are in memory. As in DynamoDB, they can be read by key, or in the order of the "
        "index. The table measures our side: its time, its writes, the records it reads by key and the "
        "entries it reads in the index. One record in a hundred is a dead letter, but at least 500 are. The "
        "other tasks succeeded.",
        [table(heads, rows)],
        figures,
    )


def measured(size: int) -> Any:
    """Measure in a process of its own: each begins with an empty memory."""
    command = [sys.executable, "-m", "tests.benchmarks.scaling", str(size)]
    environment = clean_environment(DJANGO_SETTINGS_MODULE="tests.benchmarks.site")
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise ChildProcessError(f"{' '.join(command)} failed: mend what it says.\n{ran.stderr}")
    return json.loads(ran.stdout.splitlines()[-1])
