"""The processes that use AWS on this machine: the web server, or a command, and how they end."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from ...aws.loopback import LOOPBACK
from ..environment import without_aws
from ..lambda_.worker_process import source_roots
from ..watchdog import Warden, kill_group

# What a process gets to end by itself before it is killed.
GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.05


class Child:
    """A process in a group of its own, which ends with everything it started."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        warden: Warden,
        *,
        own_group: bool = True,
    ) -> None:
        self._warden = warden
        self._own_group = own_group
        self._process = subprocess.Popen(
            list(command),
            env={**without_aws(os.environ), **environment},
            # In the terminal's own group a command can read from it, and Ctrl-C reaches it without help.
            process_group=0 if own_group else None,
        )
        if own_group:
            warden.add(self._process.pid)

    def poll(self) -> int | None:
        return self._process.poll()

    def pass_on(self, number: int) -> None:
        """Give the process a signal that this one was sent."""
        # Ctrl-C has reached it already where it shares the terminal's group.
        if self._own_group or number != signal.SIGINT:
            self._signal(number)

    def wait(self) -> int:
        """Wait until the process has ended, and return its return code."""
        return self._process.wait()

    def end(self) -> None:
        """Ask the process to end, kill what is left after a while, and wait until it is gone."""
        if self.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._own_group:
            kill_group(self._process.pid)
            self._warden.remove(self._process.pid)

    def _signal(self, number: int) -> None:
        if self._own_group:
            kill_group(self._process.pid, number)
        elif self.poll() is None:
            self._process.send_signal(number)


def runserver(port: int, *, reload: bool) -> list[str]:
    """Return the command that serves the site of this project."""
    options = [] if reload else ["--noreload"]
    return [sys.executable, "-m", "django", "runserver", *options, f"{LOOPBACK}:{port}"]


def site_environment() -> dict[str, str]:
    """Return what a Python process needs to be one of this project's."""
    from django.conf import settings

    found = {
        "PYTHONPATH": os.pathsep.join(source_roots()),
        "PYTHONUNBUFFERED": "1",
        # It says three lines about production, to people who see that this is their laptop.
        "DJANGO_RUNSERVER_HIDE_WARNING": "true",
    }
    # Settings that were configured in code have no module, and no web server.
    module = getattr(settings, "SETTINGS_MODULE", None)
    return {**found, "DJANGO_SETTINGS_MODULE": module} if module else found


def answers(port: int) -> bool:
    """Return whether a web server answers on `port`, with whatever status."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("HEAD", "/")
        connection.getresponse().read()
    except OSError:
        return False
    except http.client.HTTPException:
        return True
    finally:
        connection.close()
    return True


def exit_code(returncode: int) -> int:
    """Return the exit code that shells give to a process's return code: 128 + n for signal n."""
    return 128 - returncode if returncode < 0 else returncode


def pause() -> None:
    """Wait a moment before looking again."""
    time.sleep(_POLL_SECONDS)
