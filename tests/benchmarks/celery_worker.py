"""Celery's own worker on tasks that do nothing: started anew each time, and its start not counted."""

import json
import subprocess
from typing import Any

from tests.benchmarks.processes import ROOT, Driver, Stub, clean_environment

PATIENCE_SECONDS = 120
WARM = 60


def run(stub: Stub, python: str, tasks: int) -> dict[str, Any]:
    """Return what a task cost a worker that had warmed up."""
    with Driver("senders", "celery", stub, python) as sender:
        # Those prefetched beyond what is measured keep it from running dry.
        sender.measure(WARM + tasks + 100)
    environment = clean_environment(
        **stub.environment, BENCHMARK_WARM=str(WARM), BENCHMARK_MEASURED=str(tasks)
    )
    stub.counts()
    worker = [
        "-m",
        "celery",
        "-A",
        "tests.benchmarks.celery_app",
        "worker",
        "--pool=solo",
        "--loglevel=ERROR",
    ]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    ran = subprocess.run(
        [python, *worker, *quiet],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    counted = stub.counts()
    said = next((json.loads(line) for line in ran.stdout.splitlines() if line.startswith('{"tasks"')), None)
    if said is None:
        raise ChildProcessError(f"Celery's worker did not get to its end: mend what it says.\n{ran.stderr}")
    calls = {name: count / (WARM + tasks) for name, count in counted["calls"].items()}
    return {
        "cpu": said["cpu"] / tasks,
        "wall": said["wall"] / tasks,
        "connections": sum(counted["connections"].values()),
        "calls": calls,
    }
