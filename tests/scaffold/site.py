"""A project's site with AWS on this machine, started by the command that the README gives."""

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.scaffold.projects import Project

PATIENCE_SECONDS = 120
_READY = re.compile(r"(http://127\.0\.0\.1:\d+) is ready after")


class Site:
    """The site while it runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self._process, self._output = process, output
        self.url = self._wait()

    @property
    def said(self) -> str:
        return self._output.read_text()

    def get(self, path: str) -> tuple[int, dict[str, str], Any]:
        """Return the status, the headers and the JSON of a page."""
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:  # noqa: S310, of this machine
            return answer.status, dict(answer.headers), json.load(answer)

    def enqueue(self, path: str) -> tuple[int, dict[str, str], Any]:
        """
        Return what a page answers that enqueues a task.

        On a machine too busy for AWS to answer in 8 seconds enqueue() raises, and says to enqueue again.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.get(path)
            except urllib.error.HTTPError:
                assert "EnqueueFailed" in self.said, self.said
                assert time.monotonic() < deadline, self.said

    def follow(self, path: str) -> dict[str, Any]:
        """Ask for a task's status until it has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status: dict[str, Any] = self.get(path)[2]
            if status["finished_at"]:
                return status
            assert time.monotonic() < deadline, f"{status}\n{self.said}"
            time.sleep(0.1)

    def _wait(self) -> str:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (ready := _READY.search(self.said)):
            assert self._process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)
        return ready[1]


@contextmanager
def site(project: Project, command: str) -> Iterator[Site]:
    """Start the site by `command`, and end it as Ctrl-C does."""
    output = project.root / "offload_local.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=project.source,
            env=project.environment.variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Site(process, output)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0, output.read_text()
    finally:
        process.kill()
        process.wait()
