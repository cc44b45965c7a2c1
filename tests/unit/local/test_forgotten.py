"""The tasks that end with a run of offload_local."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from django_offload.aws.development import Session
from django_offload.local.aws.local_aws import LocalAWS
from django_offload.local.aws.unfinished import count_unfinished
from django_offload.local.environment import env_file
from django_offload.local.serve import forgotten
from django_offload.local.serve.forgotten import Forgotten
from tests.contract.tasks import add

DEAD = 2**22 + 1  # Above the largest id that Linux gives to a process.


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    return []


def write(**values: object) -> None:
    Path(".offload").mkdir()
    Path(".offload/unfinished").write_text(json.dumps(values))


def test_the_next_start_says_once_what_was_forgotten(lines: list[str]) -> None:
    write(process=DEAD, deferred=2, waiting=0, running=1)

    for _ in range(2):
        Forgotten(LocalAWS(in_process=True), lines.append).announce_last()

    said = "The last offload_local forgot 3 accepted tasks (2 deferred, 1 running)."
    assert lines == [f"  {said} Enqueue again what you need."]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"process": DEAD, "waiting": 0}, id="there were none"),
        pytest.param({"waiting": 1}, id="no process"),
        pytest.param({"process": "x", "waiting": 1}, id="nonsense"),
    ],
)
def test_nothing_is_said_of_nothing(lines: list[str], values: dict[str, object]) -> None:
    write(**values)

    Forgotten(LocalAWS(in_process=True), lines.append).announce_last()

    assert lines == []


def test_nothing_is_said_of_a_run_that_goes_on(lines: list[str], running_session: Session) -> None:
    write(process=os.getpid(), waiting=1)

    with env_file(running_session):
        Forgotten(LocalAWS(in_process=True), lines.append).announce_last()

    assert lines == []
    assert Path(".offload/unfinished").exists()


def test_nothing_is_said_if_there_is_no_file(lines: list[str]) -> None:
    forgotten_tasks = Forgotten(LocalAWS(in_process=True), lines.append)

    forgotten_tasks.announce_last()
    forgotten_tasks.announce()

    assert lines == []
    assert not Path(".offload").exists()


@pytest.fixture(params=[True, False], ids=["record", "no record"])
def at_once(settings: Any, ours: Any, request: pytest.FixtureRequest) -> None:
    """Send each task at once, with or without its record."""
    for alias, entry in ours.items():
        entry["OPTIONS"] |= {"on_commit": False}
        if alias == "default":
            entry["OPTIONS"] |= {"record_at_enqueue": request.param}
    settings.TASKS = {**ours}


@pytest.fixture
def aws(at_once: None, offload_aws: Any) -> LocalAWS:
    local_aws: LocalAWS = offload_aws._aws
    return local_aws


def test_the_number_is_on_disk_while_tasks_wait_and_goes_with_them(
    aws: LocalAWS, offload_aws: Any, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgotten, "INTERVAL_SECONDS", 0.01)
    add.enqueue(1, 2)
    tasks, stop = Forgotten(aws, lines.append), threading.Event()

    counts = {"deferred": 0, "waiting": 1, "running": 0}
    assert count_unfinished(aws) == tasks.write() == counts
    written = json.loads(Path(".offload/unfinished").read_text())
    assert written == {"process": os.getpid(), **counts}
    assert Path(".offload/.gitignore").read_text() == "*\n"
    tasks.announce()
    assert lines == ["Forgotten with it: 1 accepted task (1 waiting). Enqueue again what you need."]

    offload_aws.run()
    watching = threading.Thread(target=tasks.watch, args=(stop,))
    watching.start()
    while Path(".offload/unfinished").exists():
        assert watching.is_alive()
    stop.set()
    watching.join()
    tasks.announce()
    assert len(lines) == 1
