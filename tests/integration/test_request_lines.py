"""The real runserver logs every request, and no token."""

import os
import re
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from urllib.parse import quote

import pytest

from tests.architecture.sources import ROOT

PATIENCE_SECONDS = 30
SERVE = """
import sys
import django
django.setup()
from django.core.management import call_command
from django_offload.http import status_url
from django_offload.testing import Offload
from tests.contract import tasks
with Offload().active():
    print("link", status_url(tasks.answer.enqueue().id), flush=True)
    call_command("runserver", "127.0.0.1:" + sys.argv[1], use_reloader=False)
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class RunServer:
    """manage.py runserver in a process of its own, with one task in its memory."""

    def __init__(self, folder):
        self.port, self._log = free_port(), folder / "runserver.log"
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.port)],
                cwd=ROOT,
                env={
                    **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
                    "AWS_DEFAULT_REGION": "us-east-1",
                    "DJANGO_SETTINGS_MODULE": "tests.integration.logged_site",
                    "PYTHONPATH": os.pathsep.join(["django_app", "."]),
                    "PYTHONUNBUFFERED": "1",
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait_for("Quit the server")
        self.link = re.search(r"^link (.+)$", self.log, re.MULTILINE)[1]
        self._log.write_text("")  # From here on, only what the server logs.

    @property
    def log(self):
        return self._log.read_text()

    def wait_for(self, text):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while text not in self.log:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def get(self, target, **headers):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", target, headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def send(self, line):
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(line)
            while connection.recv(4096):
                continue


@pytest.fixture
def runserver(tmp_path):
    server = RunServer(tmp_path)
    yield server
    server.process.kill()
    server.process.wait()


def test_runserver_logs_each_request_without_its_token(runserver):
    path, _, query = runserver.link.partition("?")
    token = query.removeprefix("token=")

    assert runserver.get(runserver.link) == 200
    assert runserver.get(path, **{"X-Offload-Token": token}) == 200
    assert runserver.get(f"{path}?%74oken={token}") == 200
    assert runserver.get(f"{path}?a=b&token={quote(token, safe='')}&c=d") == 200
    assert runserver.get(f"{path}?token={token}&token={token}") == 404
    assert runserver.get(f"/nothing/?token={token}", Referer=f"http://127.0.0.1/?token={token}") == 404
    assert runserver.get(f"{path.rstrip('/')}?token={token}") == 301
    runserver.send(f"GET {path}?token={token} too many words HTTP/1.1\r\n\r\n".encode())
    runserver.wait_for("Bad request syntax")
    runserver.get("/last/")
    runserver.wait_for('"GET /last/')

    log = runserver.log
    for line in (
        f'"GET {path}?token=*** HTTP/1.1" 200',
        f'"GET {path} HTTP/1.1" 200',
        f'"GET {path}?%74oken=*** HTTP/1.1" 200',
        f'"GET {path}?a=b&token=***&c=d HTTP/1.1" 200',
        f'"GET {path}?token=***&token=*** HTTP/1.1" 404',
        '"GET /nothing/?token=*** HTTP/1.1" 404',
        f'"GET {path.rstrip("/")}?token=*** HTTP/1.1" 301',
    ):
        assert line in log, f"{line} is missing:\n{log}"
    assert token.rpartition(":")[2] not in log, log
