"""What developers see of `offload_local`: several workers, reloaded code and colours."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LIBRARY = HERE.parents[2] / "django_app"
COMMAND = ["offload_local", "--concurrency", "2"]
PATIENCE_SECONDS = 240


class Run:
    """A finished run on a terminal, with its output and its findings."""

    def __init__(self, folder: Path) -> None:
        shutil.copytree(HERE.parents[1] / "plugin" / "project", folder, dirs_exist_ok=True)
        self._file = folder / "output"
        self._file.touch()
        terminal, ours = pty.openpty()
        reader = threading.Thread(target=self._read, args=(terminal,), daemon=True)
        reader.start()
        self.code = subprocess.run(
            [sys.executable, "-m", "django", *COMMAND, "--", sys.executable, str(HERE / "scenario.py")],
            cwd=folder,
            env={
                **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
                "PYTHONPATH": f"{folder}:{LIBRARY}",
                "DJANGO_SETTINGS_MODULE": "shop.settings",
                "OUTPUT": str(self._file),
                "TERM": "xterm",
                "NO_COLOR": "",
            },
            stdin=subprocess.DEVNULL,
            stdout=ours,
            stderr=ours,
            timeout=PATIENCE_SECONDS,
            check=False,
        ).returncode
        os.close(ours)
        reader.join(5)
        os.close(terminal)
        self.output = self._file.read_text()
        assert self.code == 0, self.output
        self.findings: dict[str, Any] = json.loads(re.findall(r"^FOUND (.*)$", self.output, re.MULTILINE)[0])

    def _read(self, terminal: int) -> None:
        with self._file.open("ab", buffering=0) as file:
            while True:
                try:
                    chunk = os.read(terminal, 65_536)
                except OSError:  # On Linux this means that every writer has closed the terminal.
                    return
                file.write(chunk.replace(b"\r\n", b"\n"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("shop"))


def test_as_many_workers_as_asked_for_work_on_a_queue_at_once(run: Run) -> None:
    spans = run.findings["spans"]
    at_once = [sum(begin <= moment < end for begin, end in spans) for moment, _ in spans]

    assert max(at_once) == 2


def test_new_code_runs_after_a_change_and_running_tasks_end_with_the_old(run: Run) -> None:
    assert run.findings["after the change"] == "letter of 1"
    assert run.findings["meanwhile"] == ["SUCCESSFUL", 1]
    # The sweeper may run at this moment too.
    ends = r"(1 worker finishes its|2 workers finish their) current work first\."
    assert re.search(r"Changed: .*orders/tasks\.py.* Workers restart; " + ends, run.output)


def test_a_task_that_met_broken_code_runs_as_soon_as_it_is_repaired(run: Run) -> None:
    assert run.findings["repaired"] == ["order 2", 1, "card of 3"]


def test_on_a_terminal_each_task_has_its_colour(run: Run) -> None:
    pattern = r"^\x1b\[(\d+)mshop-test-default-worker ([0-9a-f]{8}):\x1b\[0m held for"
    lines = re.findall(pattern, run.output, re.MULTILINE)

    assert len({task for _, task in lines}) == 4
    assert {len({colour for colour, task in lines if task == other}) for _, other in lines} == {1}


def test_metrics_are_not_shown_among_log_lines(run: Run) -> None:
    assert '{"_aws"' not in run.output
