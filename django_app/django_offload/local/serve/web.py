"""The processes that use AWS on this machine: the web server or a command."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ...aws.loopback import LOOPBACK
from ..environment import without_aws
from ..lambda_.project_modules import source_roots
from ..watchdog import Watchdog, kill_group
from .access_log import ENV_LOCAL_SITE

# How long a process may take to end before it is killed.
GRACE_SECONDS = 5.0
# A server on this machine accepts a connection at once.
CONNECT_SECONDS = 0.2


class ChildProcess:
    """A process in its own group, so that everything it started ends with it."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        watchdog: Watchdog,
        *,
        own_group: bool = True,
    ) -> None:
        self._watchdog = watchdog
        self._own_group = own_group
        self._process = subprocess.Popen(
            list(command),
            env={**without_aws(os.environ), **environment},
            # In the terminal's group a command can read from the terminal, and Ctrl-C reaches it directly.
            process_group=0 if own_group else None,
        )
        if own_group:
            watchdog.add(self._process.pid)

    def poll(self) -> int | None:
        return self._process.poll()

    def pass_on(self, number: int) -> None:
        """Send the process a signal that this process received."""
        # In the terminal's group the process has already received Ctrl-C.
        if self._own_group or number != signal.SIGINT:
            self._send_signal(number)

    def _send_signal(self, number: int) -> None:
        if self._own_group:
            kill_group(self._process.pid, number)
        elif self.poll() is None:
            self._process.send_signal(number)

    def end(self) -> None:
        """Ask the process to end, kill it if it takes too long, and wait until it has ended."""
        if self.poll() is None:
            self._send_signal(signal.SIGTERM)
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                with suppress(subprocess.TimeoutExpired):  # The system can't end it, so nobody can.
                    self._process.wait(GRACE_SECONDS)
        if self._own_group:
            kill_group(self._process.pid)
            self._watchdog.remove(self._process.pid)


def runserver_command(port: int, *, reload: bool) -> list[str]:
    """Return the command that serves the project's site."""
    options = [] if reload else ["--noreload"]
    return [sys.executable, "-m", "django", "runserver", *options, f"{LOOPBACK}:{port}"]


def site_environment() -> dict[str, str]:
    """Return the variables that let a new Python process import this project."""
    from django.conf import settings

    environment = {
        "PYTHONPATH": os.pathsep.join(source_roots()),
        "PYTHONUNBUFFERED": "1",
        ENV_LOCAL_SITE: "1",
        # Hides runserver's warning about production, because this is clearly a developer's machine.
        "DJANGO_RUNSERVER_HIDE_WARNING": "true",
    }
    # Settings that were configured in code have no module and no web server.
    module = getattr(settings, "SETTINGS_MODULE", None)
    return {**environment, "DJANGO_SETTINGS_MODULE": module} if module else environment


def site_answers(port: int) -> bool:
    """Return True if a web server accepts connections on `port`. A request would be a line in its log."""
    try:
        socket.create_connection((LOOPBACK, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def exit_code(returncode: int) -> int:
    """Return a process's exit code as shells report it: 128 + n for signal n."""
    return 128 - returncode if returncode < 0 else returncode
