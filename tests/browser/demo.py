"""The demo as a process of its own: the site, AWS on this machine and its workers."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90
LOG_SECONDS = 30
END_SECONDS = 30


class Demo:
    """`python -m lab.demo` on a free port, with a database of its own, and this in its environment."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder, self.environment = folder, environment
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = folder / "demo.log"

    @property
    def stage_environment(self) -> dict[str, str]:
        """The environment of its process."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            "PYTHONPATH": os.pathsep.join([str(ROOT / "django_app"), str(ROOT)]),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "LAB_DATABASE": str(self.folder / "lab.sqlite3"),
            **self.environment,
        }

    def start(self) -> None:
        """Return when the site answers. Raise AssertionError with the log if it does not."""
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lab.demo", "--port", str(self.port)],
                cwd=self.folder,
                env=self.stage_environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while f"{self.address} is ready" not in self.text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise AssertionError(f"The demo did not come up:\n{self.text()}")
            time.sleep(0.1)

    def end(self) -> int:
        """End it as Ctrl-C does and return its exit code."""
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def run(self, module: str) -> dict[str, str]:
        """Run a program in the demo's environment, as in another terminal, and return the JSON it prints."""
        lines = (self.folder / ".offload" / "env").read_text().splitlines()
        exported = dict(shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export "))
        process = subprocess.run(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={**self.stage_environment, **exported},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        printed: dict[str, str] = json.loads(process.stdout.splitlines()[-1])  # What is logged comes first.
        return printed

    def text(self) -> str:
        """Return what it has printed so far."""
        return self.log.read_text()

    def text_with(self, words: str) -> str:
        """Return what it has printed once these words are there: a server logs a request after its answer."""
        deadline = time.monotonic() + LOG_SECONDS
        while words not in (text := self.text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
