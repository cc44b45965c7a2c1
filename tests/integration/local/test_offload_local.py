"""The command, started and stopped from a terminal."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.local.fakes import eventually

ROOT = Path(__file__).parents[3]
MANAGE = str(ROOT / "django_app" / "manage.py")
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module", autouse=True)
def _database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the site its own database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATABASE", str(tmp_path_factory.mktemp("database") / "lab.sqlite3"))
        subprocess.run([sys.executable, MANAGE, "migrate", "-v0"], env=environment(), check=True)
        yield


def environment() -> dict[str, str]:
    variables = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return {
        **variables,
        "PYTHONPATH": f"{ROOT / 'django_app'}:{ROOT}",
    }


def run(tmp_path: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, MANAGE, "offload_local", *arguments],
        cwd=tmp_path,
        env=environment() | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


class Terminal:
    """The running command, with its output so far."""

    def __init__(self, tmp_path: Path, *arguments: str) -> None:
        self._output = tmp_path / "output"
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, MANAGE, "offload_local", *arguments],
                cwd=tmp_path,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.output:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)
        return self.output

    def family(self) -> set[int]:
        """Return the ids of its process and all descendants."""
        parents: dict[int, int] = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                state, parent = Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state != "Z":
                parents[int(name)] = int(parent)
        family = {self.process.pid} & parents.keys()
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return family


@contextmanager
def terminal(tmp_path: Path, *arguments: str) -> Iterator[Terminal]:
    started = Terminal(tmp_path, *arguments)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def living(pids: set[int]) -> set[int]:
    running = set()
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                running.add(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return running


def test_a_taken_port_of_aws_is_announced_and_the_next_free_one_used(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        ended = run(tmp_path, "--aws-port", str(port), "--", sys.executable, "-c", "")

    assert ended.returncode == 0, ended.stderr
    (used,) = re.findall(
        rf"Another program uses port {port}, so AWS's interfaces will use port (\d+)\.", ended.stdout
    )
    assert port < int(used) <= port + 100
    assert re.search(rf"AWS's interfaces +http://127.0.0.1:{used} ", ended.stdout)


def test_it_does_not_start_if_the_environment_names_another_aws(tmp_path: Path) -> None:
    ended = run(tmp_path, "--services-only", AWS_ENDPOINT_URL="https://sqs.eu-north-1.amazonaws.com")

    assert ended.returncode == 2
    assert "Unset AWS_ENDPOINT_URL first." in ended.stderr


def test_a_command_runs_in_the_environment_and_its_exit_code_is_the_answer(tmp_path: Path) -> None:
    program = "import os, boto3; print(*boto3.client('sqs').list_queues()['QueueUrls']); raise SystemExit(7)"

    ended = run(tmp_path, "--", sys.executable, "-c", program)

    assert ended.returncode == 7, ended.stderr
    assert "/lab-dev-default" in ended.stdout
    assert "AWS on this machine is ready after" in ended.stdout
    assert not (tmp_path / ".offload" / "env").exists()


def test_addresses_are_there_for_programs_to_read(tmp_path: Path) -> None:
    ended = run(tmp_path, "--json", "--in-process", "--", sys.executable, "-c", "")

    report = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert report["env_file"] == str(tmp_path / ".offload" / "env")
    assert report["environment"]["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert "site" not in report
    started = {entry["what"]: entry["where"] for entry in report["started"]}
    assert started["AWS's interfaces"].startswith(report["environment"]["AWS_ENDPOINT_URL"])
    assert started["queue lab-dev-reports"].startswith("lab-dev-reports-worker, ")
    assert started["schedule"] == "lab-dev-sweeper, every 60 s"
    assert started["other AWS clients"] == "run . .offload/env in their terminal first"
    assert "code" not in started


def test_a_signal_is_for_the_command_to_answer(tmp_path: Path) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n"
        "print('command runs', flush=True)\n"
        "time.sleep(60)"
    )
    with terminal(tmp_path, "--", sys.executable, "-c", program) as started:
        started.wait_for("command runs")

        started.process.send_signal(signal.SIGTERM)

        assert started.process.wait(PATIENCE_SECONDS) == 9
        assert "Traceback" not in started.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_site_and_everything_else_once(tmp_path: Path, number: int) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        terminal(tmp_path, "--port", str(other.getsockname()[1]), "--concurrency", "3") as started,
    ):
        output = started.wait_for("is ready after")
        port = int(re.findall(r"http://127.0.0.1:(\d+) is ready after", output)[0])
        assert port != other.getsockname()[1]
        assert f"so the web server will use port {port}." in output
        assert answers(port)
        assert re.search(rf"site +http://127.0.0.1:{port}\n", output)
        assert re.search(r"queue lab-dev-default +lab-dev-default-worker, 3 at once\n", output)
        assert re.search(r"code +\d+ files in /.*; workers restart when one changes\n", output)
        assert "\x1b" not in output
        assert "HEAD /" not in output
        assert re.search(r"stack lab-dev +\d+\.\d s", output)
        file = tmp_path / ".offload" / "env"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert "export AWS_ENDPOINT_URL=http://127.0.0.1:" in file.read_text()
        # At least this process, the web server and their watchdog.
        family = started.family()
        assert len(family) >= 4

        started.process.send_signal(number)
        started.process.send_signal(number)

        assert started.process.wait(PATIENCE_SECONDS) == 0
        eventually(lambda: not living(family))
        assert "Traceback" not in started.output
        assert started.output.count("Stopping everything.") == 1
        assert "failed" not in started.output
        assert not file.exists()
        assert not answers(port)


def test_the_site_starts_after_the_stack(tmp_path: Path) -> None:
    port = free_port()
    with terminal(tmp_path, "--port", str(port), "--noreload") as started:
        eventually(lambda: answers(port), seconds=PATIENCE_SECONDS)

        assert "event source mappings" in started.output


def test_a_signal_during_the_start_ends_it_too(tmp_path: Path) -> None:
    with terminal(tmp_path, "--port", str(free_port())) as started:
        started.wait_for("AWS's interfaces")
        family = started.family()

        started.process.send_signal(signal.SIGINT)

        assert started.process.wait(PATIENCE_SECONDS) == 0
        eventually(lambda: not living(family))
        assert "Traceback" not in started.output


def test_no_process_is_left_after_it_is_killed(tmp_path: Path) -> None:
    port = free_port()
    with terminal(tmp_path, "--port", str(port)) as started:
        started.wait_for("is ready after")
        family = started.family()

        started.process.kill()
        started.process.wait()

        eventually(lambda: not living(family))


def test_a_web_server_that_ends_by_itself_ends_the_rest(tmp_path: Path) -> None:
    with terminal(tmp_path, "--port", str(free_port()), "--noreload") as started:
        started.wait_for("is ready after")
        (web,) = [pid for pid in started.family() if "runserver" in Path(f"/proc/{pid}/cmdline").read_text()]
        family = started.family()

        os.kill(web, signal.SIGKILL)

        assert started.process.wait(PATIENCE_SECONDS) == 128 + signal.SIGKILL
        assert "The web server stopped unexpectedly" in started.output
        eventually(lambda: not living(family))


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
