"""
Workers forked from a warm process, and killed where they are told to be.

    harness ── command, environment, log ──▶ nursery ── fork ──▶ worker: AWS's runtime client, killed there

Each is a process of its own with its own Runtime API; only its imports were done before, as a restored
snapshot's are. It notes in a file where it is, and dies at the point that an order names.
"""

import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest import mock

# Of an attempt, in its order.
CLAIMED, EFFECT, OUTCOME, STORED = POINTS = (
    "claimed",
    "in the effect",
    "before the outcome",
    "not acknowledged",
)
FOLDER = "RELIABILITY_ORDERS"
SIZE = 65_536
WIDTH = max(map(len, POINTS))


def reached(point: str) -> None:
    """Note that this process has come to a point, and end it there if there is an order to."""
    if FOLDER not in os.environ:
        return
    folder = Path(os.environ[FOLDER])
    note = os.open(folder / str(os.getpid()), os.O_CREAT | os.O_WRONLY)
    os.write(note, point.ljust(WIDTH).encode())  # At once: whoever reads it finds one point or the other.
    os.close(note)
    with suppress(FileNotFoundError):
        (folder / point).unlink()  # One process takes an order, once.
        os.kill(os.getpid(), signal.SIGKILL)


class Nursery:
    """Starts workers; stands in for subprocess.Popen where `local` starts one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._line: socket.socket | None = None
        self._lock = Lock()

    def install(self) -> Any:
        """Have the workers of this machine come from here, other functions as ever."""
        names = {name: getattr(subprocess, name) for name in ("DEVNULL", "PIPE", "STDOUT")}
        return mock.patch(
            "django_offload.local.lambda_.worker_process.subprocess",
            SimpleNamespace(Popen=self._start, **names),
        )

    def order(self, point: str) -> None:
        """Have the next worker that comes to a point killed there."""
        (self.folder / point).touch()

    def outstanding(self, point: str) -> bool:
        return (self.folder / point).exists()

    def last_seen(self, pid: int) -> str | None:
        """Return the last point that a process came to; None where it came to none."""
        path = self.folder / str(pid)
        return path.read_text().strip() or None if path.exists() else None

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._process.wait()

    def _start(self, command: list[str], *, env: dict[str, str], **kwargs: Any) -> Any:
        if not env["AWS_LAMBDA_FUNCTION_NAME"].endswith("-worker"):
            return subprocess.Popen(command, env=env, **kwargs)
        log, far = os.pipe()
        with self._lock:
            line = self._line or self._open(env)
            socket.send_fds(line, [json.dumps([command[1:], env]).encode()], [far])
            os.close(far)
            return Forked(int(line.recv(SIZE)), log)

    def _open(self, env: dict[str, str]) -> socket.socket:
        self._line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.nursery"],
            env={**env, FOLDER: str(self.folder)},
            stdin=far,
        )
        far.close()
        return self._line


class Forked:
    """A worker, as subprocess.Popen would show it."""

    def __init__(self, pid: int, log: int) -> None:
        self.pid, self.stdout = pid, open(log, errors="replace")  # noqa: SIM115, closed by who reads it
        self._ended = False

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self) -> int:
        self._look(None)
        return -signal.SIGKILL

    def _look(self, seconds: float | None) -> int | None:
        if not self._ended:
            try:
                handle = os.pidfd_open(self.pid)
            except ProcessLookupError:
                self._ended = True
            else:
                self._ended = bool(select.select([handle], [], [], seconds)[0])
                os.close(handle)
        return -signal.SIGKILL if self._ended else None


def warm() -> None:
    """Do what a process does once, and have the points of an attempt be noted."""
    import boto3
    from django.db import connections

    import lambdas.worker  # noqa: F401, which sets Django up
    from django_offload.aws import clients
    from django_offload.definition.registry import registry
    from django_offload.stores.dynamodb import DynamoDBStore

    registry()
    # Of botocore, what it read of its files is shared; clients are made by each process itself.
    warm = boto3.session.Session()
    boto3.session.Session = lambda: boto3.Session(botocore_session=warm._session)  # type: ignore[misc,assignment]
    for service in ("dynamodb", "sqs"):
        clients.client(service)
    DynamoDBStore.begin_change = noting(DynamoDBStore.begin_change)  # type: ignore[method-assign]
    connections.close_all()


def noting(begin: Any) -> Any:
    def noted(store: Any, task_id: str, made: Any) -> Any:
        if made.name == "succeed":
            reached(OUTCOME)
        end = begin(store, task_id, made)

        def ended() -> Any:
            before = end()
            if made.name in {"claim", "succeed"}:
                reached(CLAIMED if made.name == "claim" else STORED)
            return before

        return ended

    return noted


def main() -> None:
    """Fork a worker for each command and environment that come, until the line is closed."""
    warm()
    line = socket.socket(fileno=os.dup(0))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody asks for their exit codes.
    while True:
        said, logs, _, _ = socket.recv_fds(line, SIZE, 1)
        if not said:
            return
        pid = os.fork()
        if not pid:
            line.close()
            live(*json.loads(said), logs[0])
        with suppress(ProcessLookupError):
            os.setpgid(pid, pid)
        os.close(logs[0])
        line.send(str(pid).encode())


def live(command: list[str], env: dict[str, str], log: int) -> NoReturn:
    """Be a worker: what `python <command>`, which is `-m module argument …`, would be."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setpgid(0, 0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ |= env
    _, module, *sys.argv[1:] = command
    try:
        # Only now is AWS's client imported: it reads then which Runtime API is this process's.
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except BaseException:  # noqa: BLE001, only the nursery goes on after the fork
        traceback.print_exc()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
