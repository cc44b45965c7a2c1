"""A changed function runs no command as the developer: its variables and its handler, in real processes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_offload.local.lambda_.functions import Function
from django_offload.local.lambda_.in_process import InProcessInvoker
from django_offload.local.lambda_.processes import ProcessInvoker
from tests.unit.local.fakes import function
from tests.unit.local.test_deployed_variables import ORDINARY, STEERING

DESCRIBE = "tests.integration.local.handlers.describe"


class Workers:
    """Function processes, with the lines that they wrote."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
        self.invoker = ProcessInvoker(environment=environment, concurrency=2, log=self.lines.append)

    def environment(self, deployed: Function) -> dict[str, str]:
        """Return the variables of the function's process."""
        outcome = self.invoker.invoke(deployed, b"{}")
        assert not outcome.failed, outcome.error
        variables: dict[str, str] = outcome.value()["environment"]
        return variables


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers()
    yield workers
    workers.invoker.close()


def test_no_steering_variable_reaches_a_process(workers: Workers) -> None:
    names = [name for name in STEERING if name and "=" not in name]
    deployed = dict.fromkeys((*names, *ORDINARY), "deployed-value")

    environment = workers.environment(function(handler=DESCRIBE, environment=deployed))

    assert {name for name, value in environment.items() if value == "deployed-value"} == set(ORDINARY)


def test_a_refused_variable_is_named_once_and_without_its_value(workers: Workers) -> None:
    deployed = function(handler=DESCRIBE, environment={"LD_AUDIT": "s3cret", "BROWSER": "s3cret"})

    workers.environment(deployed)
    workers.invoker.reload()
    workers.environment(deployed)

    assert [line for line in workers.lines if "LD_AUDIT" in line] == [
        "shop-default-worker: These deployed variables aren't set on this machine: BROWSER, LD_AUDIT. They "
        "decide which code or programs run here. If you need them, set them before you start offload_local."
    ]
    assert not any("s3cret" in line for line in workers.lines)


def test_variables_run_no_command(workers: Workers, tmp_path: Path) -> None:
    """Python imports the module that PYTHONWARNINGS names, and antigravity starts the command in BROWSER."""
    command = f"touch {tmp_path}/obeyed #%s"
    workers.environment(
        function(
            handler=DESCRIBE,
            environment={"PYTHONWARNINGS": "all:0:antigravity.x:0:0", "BROWSER": f"/bin/sh -c '{command}'"},
        )
    )

    assert not (tmp_path / "obeyed").exists()


@pytest.mark.parametrize("in_process", [False, True])
def test_a_handler_elsewhere_runs_no_command(workers: Workers, tmp_path: Path, *, in_process: bool) -> None:
    """pty.spawn takes the event as a command, and the context as a function that it never needs."""
    invoker = InProcessInvoker() if in_process else workers.invoker
    event = json.dumps(["touch", f"{tmp_path}/obeyed"]).encode()

    for handler in ("pty.spawn", "builtins.print", "boto3.session.Session", "os.system"):
        outcome = invoker.invoke(function(handler=handler), event)

        assert outcome.error.startswith("Runtime.ImportModuleError: Unable to import module ")
    assert not (tmp_path / "obeyed").exists()


def test_after_a_correction_the_function_runs(workers: Workers) -> None:
    for _ in range(2):
        assert workers.invoker.invoke(function(handler="pty.spawn"), b"[]").failed
    workers.invoker.reload()

    assert workers.environment(function(handler=DESCRIBE))["_HANDLER"] == DESCRIBE
