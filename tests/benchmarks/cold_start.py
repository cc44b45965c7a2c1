"""One start of a function: from the process's start to its first task done, by AWS's own runtime client."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django_offload.local.lambda_.functions import Function
from django_offload.local.lambda_.runtime_api import FunctionInvocation, ProcessReport, RuntimeApi
from django_offload.local.lambda_.worker_process import process_environment
from tests.benchmarks.processes import ROOT, Stub, clean_environment
from tests.deploy.http_events import HOST

COLD = Path(__file__).parent / "cold"
PATIENCE_SECONDS = 60.0
EVENT_PROGRAM = """
import json, django
django.setup()
from tests.benchmarks.contenders.ours import batches
(event,) = batches(1)
print(json.dumps({"Records": event["Records"][:1]}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is started: a handler, and the event it is handed first."""

    label: str
    handler: str
    event: Any = None
    environment: tuple[tuple[str, str], ...] = ()
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """Where code comes from: the working tree, or an unzipped package."""

    command: tuple[str, ...]
    folder: Path
    python_path: str


def run(start: Start, place: IndexEntry, stub: Stub) -> Mapping[str, float]:
    """Start a function, hand it its event; return seconds, CPU seconds and the most megabytes it had."""
    api = RuntimeApi()
    function = Function(
        name="bench-default-worker",
        arn="arn:aws:lambda:us-east-1:123456789012:function:bench-default-worker",
        handler=start.handler,
        timeout_seconds=300,
        memory=512,
        code=place.folder,
        python_path=place.python_path,
    )
    environment = {
        **clean_environment(),
        **process_environment(function, stub.environment, api.address),
        **dict(start.environment),
        "LAMBDA_TASK_ROOT": str(place.folder),
    }
    api.offer(FunctionInvocation(id="1", function=function, event=json.dumps(start.event).encode()))
    began = time.perf_counter()
    process = subprocess.Popen(
        [*place.command, "-m", "awslambdaric", start.handler],
        cwd=place.folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait(api, start)
        wall = time.perf_counter() - began
        memory = most_memory(process.pid)
    finally:
        process.kill()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
        assert process.stderr is not None
        process.stderr.close()
        api.close()
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "memory": memory}


def most_memory(process: int) -> float:
    """Return the most megabytes that a living process had; its usage would count those of its parent too."""
    status = Path(f"/proc/{process}/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _wait(api: RuntimeApi, start: Start) -> None:
    """Wait for the answer to the first event. Raise ChildProcessError if it is an error, or none comes."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while (left := ends - time.monotonic()) > 0:
        report, outcome = api.wait(left)
        if report is ProcessReport.FETCHED:
            continue
        if report is ProcessReport.RESPONDED and outcome is not None and not outcome.failed:
            answer = json.loads(outcome.payload or b"null") or {}
            # A worker answers what failed, the web function with a status.
            if not answer.get("batchItemFailures") and answer.get("statusCode", 200) == 200:
                return
        raise ChildProcessError(f"{start.handler} failed: {outcome}. Mend that.")
    raise ChildProcessError(f"{start.handler} did not answer within {PATIENCE_SECONDS:.0f} s: mend that.")


@contextmanager
def migrated_site() -> Iterator[Mapping[str, str]]:
    """Yield the variables with which the reference site answers from the package."""
    with TemporaryDirectory(prefix="benchmark-site-") as folder:
        variables = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LAB_DATABASE": str(Path(folder, "lab.sqlite3")),
            "ALLOWED_HOSTS": HOST,
            "SECRET_KEY": "of-the-benchmarks",
            "DEBUG": "0",
        }
        command = [sys.executable, "django_app/manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=ROOT, env=clean_environment(**variables), check=True)
        yield variables


def event_of_ours(python: str) -> Any:
    """Return the event of one signed message."""
    program = [python, "-c", EVENT_PROGRAM]
    environment = clean_environment(DJANGO_SETTINGS_MODULE="tests.benchmarks.site")
    said = subprocess.run(
        program, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    return json.loads(said)
