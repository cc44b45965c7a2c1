"""A real PostgreSQL of the tests' own: in a temporary folder, on a free port of loopback, gone at the end."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from glob import glob
from itertools import count
from pathlib import Path
from typing import Any

START_SECONDS = 30.0
# Durability against a loss of power is not what these tests are about.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")


class PostgreSQL:
    """One server; as root it runs as the user postgres, since it refuses root."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="offload-postgresql-"))
        self._numbers = count(1)
        data = self._folder / "data"
        try:
            if os.geteuid() == 0:
                shutil.chown(self._folder, "postgres", "postgres")
            self._run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
            self.port = free_port()
            self._server = self._start(data)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise

    def new_database(self) -> dict[str, Any]:
        """Return Django's settings of a fresh, empty database."""
        name = f"tests_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.settings(name)

    def copy_of(self, name: str) -> dict[str, Any]:
        """Return Django's settings of a copy of a database that nobody is connected to."""
        copy = f"tests_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
        return self.settings(copy)

    def settings(self, name: str) -> dict[str, Any]:
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": "postgres",
            "HOST": "127.0.0.1",
            "PORT": self.port,
        }

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement outside of any transaction, and return its rows."""
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def cut_connections(self, name: str) -> int:
        """End every connection to a database from the server's side; return how many there were."""
        rows = self.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [name])
        for (pid,) in rows:
            self.execute("SELECT pg_terminate_backend(%s)", [pid])
        return len(rows)

    def stop(self) -> None:
        self._server.send_signal(signal.SIGINT)  # A fast stop: SIGTERM would wait for who is still connected.
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, data: Path) -> subprocess.Popen[bytes]:
        settings = [
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self._folder}",
            *FAST,
        ]
        arguments = [part for setting in settings for part in ("-c", setting)]
        with open(self._folder / "log", "wb") as log:
            server = subprocess.Popen(
                [*as_postgres(), folder() / "postgres", "-D", data, *arguments],
                stdout=log,
                stderr=log,
                # Ctrl-C at the tests is not meant for the server, which they end themselves.
                process_group=0,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if server.poll() is not None or time.monotonic() > deadline:
                server.kill()
                said = (self._folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start. Read what it said, mend that: {said}")
            time.sleep(0.05)
        return server

    def _answers(self) -> bool:
        import psycopg

        try:
            return self.execute("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [*as_postgres(), folder() / program, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed. Read what it said, mend that: {done.stdout}{done.stderr}")


def folder() -> Path:
    """Return the folder of PostgreSQL's programs. Raise RuntimeError if there is none."""
    named = os.environ.get("POSTGRESQL")
    for path in [*([named] if named else []), *sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True)]:
        if (Path(path) / "initdb").exists():
            return Path(path)
    found = shutil.which("initdb")
    if found is None:
        raise RuntimeError("PostgreSQL is not installed: run .ci/postgresql, which installs it or says how.")
    return Path(found).parent


def as_postgres() -> list[str]:
    """Return what to put before a command: it ends with this process, and never runs as root."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0:
        return [setpriv, "--pdeathsig=INT"] if setpriv else []
    assert setpriv, "setpriv of util-linux is not there: run the tests as another user than root."
    return [setpriv, "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT"]


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
