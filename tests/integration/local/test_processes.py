"""Functions in processes of AWS's own runtime client."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from django_offload.local.lambda_.invoker import Outcome
from django_offload.local.lambda_.processes import ProcessInvoker
from tests.unit.local.fakes import eventually, function
from tests.unit.local.test_watchdog import running

HANDLERS = "tests.integration.local.handlers"


class Runs:
    """Processes, with the lines that they wrote."""

    def __init__(self, concurrency: int = 2) -> None:
        self.lines: list[str] = []
        self.processes = ProcessInvoker(
            environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
            concurrency=concurrency,
            log=self.lines.append,
        )

    def __call__(self, event: object, handler: str = "misbehave", **changes: Any) -> Outcome:
        deployed = function(handler=f"{HANDLERS}.{handler}", **changes)
        return self.processes.invoke(deployed, json.dumps(event).encode())


@pytest.fixture
def run() -> Iterator[Runs]:
    run = Runs()
    yield run
    run.processes.close()


def test_a_function_sees_lambdas_event_context_and_environment(run: Runs) -> None:
    outcome = run({"n": "ü"}, "describe", memory=512, environment={"COLOUR": "blue"})

    result = outcome.value()
    assert result["event"] == {"n": "ü"}
    assert result["name"] == "shop-default-worker"
    assert result["arn"] == function().arn
    assert result["memory"] == "512"
    assert result["log_group"] == "/aws/lambda/shop-default-worker"
    assert "[$LATEST]" in result["log_stream"]
    assert 2_000 < result["remaining"] <= 3_000
    assert len(result["request_id"]) == 36
    assert result["environment"]["COLOUR"] == "blue"
    assert result["environment"]["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"


def test_a_process_is_kept_for_the_next_invocation(run: Runs) -> None:
    pids = {run({}).value()["pid"] for _ in range(3)}

    assert len(pids) == 1
    assert pids != {os.getpid()}


def test_after_a_change_an_idle_process_is_replaced_at_once(run: Runs) -> None:
    before = run({}).value()["pid"]

    assert run.processes.reload() == 0

    assert not running(before)
    assert run({}).value()["pid"] != before


def test_after_a_change_a_busy_process_finishes_and_is_then_replaced(run: Runs) -> None:
    outcomes: list[Outcome] = []
    busy = threading.Thread(target=lambda: outcomes.append(run({"sleep": 1})))
    busy.start()
    eventually(lambda: run.processes.pids("shop-default-worker") != [])
    (before,) = run.processes.pids("shop-default-worker")

    assert run.processes.reload() == 1
    during = run({}).value()["pid"]
    busy.join()

    assert outcomes[0].value() == {"pid": before}
    assert during != before
    assert not running(before)
    assert {run({}).value()["pid"] for _ in range(2)} == {during}


def test_an_exception_is_an_error_and_the_process_goes_on(run: Runs) -> None:
    before = run({}).value()["pid"]

    outcome = run({"raise": "no such order"})

    assert (outcome.failed, outcome.error) == (True, "ValueError: no such order")
    assert run({}).value()["pid"] == before
    eventually(lambda: any("[ERROR] ValueError: no such order" in line for line in run.lines))
    assert all(line.startswith("shop-default-worker: ") for line in run.lines)


def test_a_process_is_killed_at_the_timeout_with_all_it_started(run: Runs) -> None:
    before = run({}, timeout_seconds=0.5).value()["pid"]
    start = time.monotonic()

    outcome = run({"fork": 30}, timeout_seconds=0.5)

    assert 0.5 <= time.monotonic() - start < 3
    assert outcome.error.startswith("Sandbox.Timedout: ")
    assert outcome.error.endswith("Task timed out after 0.50 seconds")
    assert group_is_empty(before)
    assert run({}, timeout_seconds=0.5).value()["pid"] != before


def test_a_process_that_ends_fails_its_invocation_and_is_replaced(run: Runs) -> None:
    before = run({}).value()["pid"]

    outcome = run({"exit": 3})

    assert outcome.error == "Runtime.ExitError: Error: Runtime exited with error: exit status 3"
    assert run({}).value()["pid"] != before


def test_a_process_that_is_killed_from_outside_fails_its_invocation(run: Runs) -> None:
    pid = run({}).value()["pid"]
    threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()

    outcome = run({"sleep": 30})

    assert outcome.error == "Runtime.ExitError: Error: Runtime exited with error: signal: 9"


def test_a_process_that_died_while_idle_is_replaced_unnoticed(run: Runs) -> None:
    pid = run({}).value()["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not running(pid))

    assert not run({}).failed


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        ("no_such_handler", "Runtime.HandlerNotFound"),
        ("nothing.handler", "Runtime.ImportModuleError"),
    ],
)
def test_a_missing_handler_is_an_error_each_time(run: Runs, handler: str, error: str) -> None:
    for _ in range(2):
        assert run({}, handler).error.startswith(f"{error}: ")


def test_invocations_beyond_the_concurrency_wait(run: Runs) -> None:
    pids: list[int] = []

    def invoke() -> None:
        pids.append(run({"sleep": 0.2}).value()["pid"])

    threads = [threading.Thread(target=invoke) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(pids) == 5
    assert len(set(pids)) == 2


def test_closing_ends_running_invocations_and_leaves_nothing() -> None:
    before = set(threading.enumerate())
    run = Runs()
    pid = run({}).value()["pid"]
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(run({"sleep": 30})))
    thread.start()
    eventually(lambda: len(run.processes._pools) == 1)

    run.processes.close()
    thread.join(5)

    assert not thread.is_alive()
    assert outcomes[0].failed
    assert not running(pid)
    assert run({}).failed
    eventually(lambda: set(threading.enumerate()) <= before)


def test_processes_end_even_if_this_one_is_killed() -> None:
    program = textwrap.dedent(f"""
        import json, threading, time
        from django_offload.local.lambda_.processes import ProcessInvoker
        from tests.unit.local.fakes import function
        processes = ProcessInvoker(environment={{}}, concurrency=1)
        deployed = function(handler="{HANDLERS}.misbehave", timeout_seconds=60)
        print(json.loads(processes.invoke(deployed, b"{{}}").payload)["pid"], flush=True)
        processes.invoke(deployed, b'{{"fork": 60}}')
    """)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert running(pid)
    eventually(lambda: group_size(pid) == 2)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    eventually(lambda: group_is_empty(pid))


def group_size(group: int) -> int:
    """Return how many running processes a process group has."""
    count = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                state, _, process_group = file.read().rsplit(")", 1)[1].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        count += process_group == str(group) and state != "Z"
    return count


def group_is_empty(group: int) -> bool:
    return group_size(group) == 0
