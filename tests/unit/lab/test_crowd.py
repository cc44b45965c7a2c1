"""Other visitors: who may start them, how many there are, and that they act like browsers."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from json import dumps
from threading import Event, Thread
from urllib.parse import parse_qs

import pytest
from django.test import Client
from pytest_django import Settings

from lab.crowd import VISITORS, Address, Crowd
from lab.views.crowd import current

PATIENCE_SECONDS = 10
FORM = '<input type="hidden" name="csrfmiddlewaretoken" value="abc">'
HOST = "shop.example"


class Site(ThreadingHTTPServer):
    """A site with a form, whose responses wait for `may_answer`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.posts: list[tuple[str, dict[str, list[str]], str | None]] = []
        self.may_answer = Event()
        self.refuses = False
        self.ends = "SUCCESSFUL"
        self.polls = 0

    @property
    def address(self) -> Address:
        return Address(self.server_address[1], HOST)


class Page(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        if self.path.startswith("/tasks/"):
            self.server.polls += 1
            assert self.path == "/tasks/1/", "a token in an address is logged"
            assert self.headers["X-Offload-Token"] == "a"
            self._send(200, dumps({"status": self.server.ends}))
        else:
            self._send(200, FORM, **{"Set-Cookie": "csrftoken=abc; Path=/"})

    def do_POST(self) -> None:
        fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.posts.append((self.path, fields, self.headers["Cookie"]))
        assert self.headers["Host"] == HOST
        assert self.server.may_answer.wait(PATIENCE_SECONDS)
        if self.server.refuses:
            self._send(500, "Sorry")
        elif self.path == "/reports/":
            self._send(
                202, "", Location="/tasks/1/?token=a", **{"X-Offload-Token": "a", "Retry-After": "0.01"}
            )
        else:
            self._send(200, "The report")

    def _send(self, status: int, text: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield site
        site.may_answer.set()
        site.shutdown()


def until_gone(crowd: Crowd) -> None:
    pause = Event()
    for _ in range(1_000):
        if not crowd.waiting:
            return
        pause.wait(0.01)
    pytest.fail(f"{crowd.waiting} visitors are still waiting")


@pytest.mark.parametrize(
    ("way", "path", "polls"), [("request", "/reports/in-request/", 0), ("offload", "/reports/", VISITORS)]
)
def test_each_visitor_fills_in_the_form_and_waits_for_the_result(site: Site, way: str, path: str, polls: int):
    crowd = Crowd(site.address, way, 50_000)
    crowd.start()
    assert crowd.waiting == VISITORS

    site.may_answer.set()
    until_gone(crowd)

    assert (
        site.posts
        == [(path, {"csrfmiddlewaretoken": ["abc"], "orders": ["50000"]}, "csrftoken=abc")] * VISITORS
    )
    assert site.polls == polls
    assert crowd.refused == 0


@pytest.mark.parametrize(
    ("way", "refuses", "ends"),
    [
        ("request", True, ""),
        ("offload", True, ""),
        ("offload", False, "FAILED"),
        ("offload", False, "READY"),
        ("offload", False, None),
    ],
)
def test_visitors_without_a_report_are_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch, way: str, refuses: bool, ends: str | None
):
    monkeypatch.setattr("lab.crowd.LONGEST_POLLS", 2)
    site.refuses, site.ends = refuses, ends
    crowd = Crowd(site.address, way, 50_000)
    crowd.start()

    site.may_answer.set()
    until_gone(crowd)

    assert crowd.refused == VISITORS


def test_a_site_without_a_form_is_an_error(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lab.crowd.TOKEN", re.compile("nothing of the kind"))
    crowd = Crowd(site.address, "request", 50_000)

    with pytest.raises(TimeoutError, match="couldn't open the form"):
        crowd.start()

    until_gone(crowd)
    assert crowd.refused == VISITORS


class StandIn:
    """A crowd that only waits."""

    waiting, refused = VISITORS, 3


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(current, "crowd", None)
    monkeypatch.setattr("lab.sizes.seeded", lambda: 50_000)


@pytest.mark.usefixtures("empty")
def test_the_trivial_page_says_how_many_visitors_wait(client: Client, monkeypatch: pytest.MonkeyPatch):
    assert client.get("/visitors/page/").headers["Visitors-Waiting"] == "0"
    monkeypatch.setattr(current, "crowd", StandIn())

    answer = client.get("/visitors/page/")
    assert (answer.headers["Visitors-Waiting"], answer.headers["Visitors-Refused"]) == (str(VISITORS), "3")


@pytest.mark.usefixtures("empty")
def test_a_second_crowd_is_refused_while_the_first_waits(client: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(current, "crowd", StandIn())

    answer = client.post("/visitors/", {"way": "request", "orders": "50000"})

    assert answer.status_code == 409
    assert "Try again" in answer.json()["problem"]


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    "fields", [{"way": "boat", "orders": "50000"}, {"way": "offload", "orders": "200000"}]
)
def test_a_wrong_form_is_refused(client: Client, fields: dict[str, str]):
    answer = client.post("/visitors/", fields)

    assert answer.status_code == 400
    assert answer.json()["problem"]


@pytest.mark.usefixtures("empty")
def test_a_deployed_site_does_not_call_itself(client: Client, settings: Settings):
    settings.DEPLOYED = True

    assert client.post("/visitors/", {"way": "offload", "orders": "50000"}).status_code == 404
    assert "data-let-in" not in client.get("/").text


def test_starting_visitors_needs_the_csrf_token():
    strict = Client(enforce_csrf_checks=True)

    assert strict.post("/visitors/", {"way": "offload", "orders": "50000"}).status_code == 403
