"""A project's tests that ask for nothing send nothing, however AWS's variables are set."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.plugin import page
from tests.plugin.conftest import Run

DJANGO = (sys.executable, "-Werror", "-m", "django", "test", "quiet", "--pattern=usage_quiet.py")


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the requests that reach the only AWS that the processes of this test know of."""
    arrived: list[str] = []

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.append(self.headers.get("X-Amz-Target") or self.path)
            self.send_error(500)

        do_GET = do_PUT = do_POST

        def log_message(self, *args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    yield arrived
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("options", [[], ["--parallel", "2"]])
def test_with_djangos_own_runner(
    run: Run, pytester: pytest.Pytester, requests: list[str], options: list[str]
) -> None:
    result = pytester.run(*DJANGO, *options)

    assert result.ret == 0, result.errlines
    assert "Ran 28 tests" in str(result.stderr)
    assert requests == []
    # Once a process, and no failure, though warnings are errors here.
    warnings = str(result.stderr).count("TasksKeptInMemory: Tasks that tests enqueue")
    assert 1 <= warnings <= (2 if options else 1)


def test_with_pytest(run: Run, pytester: pytest.Pytester, requests: list[str]) -> None:
    on_the_page = page.write_into(pytester.path)

    result = run("-q", "quiet")

    assert on_the_page == 2
    result.assert_outcomes(passed=36 + on_the_page, warnings=1)
    result.stdout.fnmatch_lines(["*.py:*: TasksKeptInMemory: Tasks that tests enqueue*"])
    assert requests == []


def test_with_unittest_alone_the_mixin_keeps_them(
    run: Run, pytester: pytest.Pytester, requests: list[str]
) -> None:
    result = pytester.run(sys.executable, "-Werror", "-m", "unittest", "outside.usage_outside")

    assert result.ret == 0, result.errlines
    assert "Ran 3 tests" in str(result.stderr)
    assert requests == []
