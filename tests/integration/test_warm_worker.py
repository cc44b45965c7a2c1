"""A worker process that runs thousands of tasks, a third of which fail, stays as large as it was."""

import os
import subprocess
import sys

from tests.architecture.sources import ROOT

TASKS = 2_000
MOST_MB = 5


def test_a_worker_does_not_grow_with_the_tasks_that_fail():
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.warm_worker", str(TASKS)],
        cwd=ROOT,
        # glibc returns each freed block at once, instead of keeping one for the next task.
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(["django_app", "."]),
            "MALLOC_MMAP_THRESHOLD_": "131072",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= MOST_MB
