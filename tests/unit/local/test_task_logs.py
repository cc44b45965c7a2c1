"""Each line that a task logs is there once, and the site's log has no requests of our own pages."""

import logging
import sys
from logging.config import dictConfig
from types import ModuleType
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import include, path

from django_offload.local.lambda_.task_logs import LogHandler, show_task_logs
from django_offload.local.serve.access_log import WithoutOwnRequests

ID = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def _own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test a tree of loggers of its own."""
    root = logging.RootLogger(logging.WARNING)
    manager = logging.Manager(root)
    for owner, name, value in (
        (logging, "root", root),
        (logging.Logger, "root", root),
        (logging.Logger, "manager", manager),
    ):
        monkeypatch.setattr(owner, name, value)


@pytest.fixture
def lines() -> list[str]:
    """What the handler of the runtime's client shows."""
    shown: list[str] = []
    handler = LogHandler(shown.append)
    show_task_logs(handler)
    logging.getLogger().addHandler(handler)
    return shown


def test_what_a_task_logs_is_shown_from_info_on(lines: list[str]) -> None:
    logging.getLogger("orders.tasks").debug("no")
    logging.getLogger("orders.tasks").info("adding %s", 3)
    logging.getLogger("botocore.credentials").info("Found credentials")
    logging.getLogger("botocore.credentials").warning("none left")

    assert lines == ["INFO orders.tasks: adding 3", "WARNING botocore.credentials: none left"]


@pytest.mark.parametrize("propagate", [True, False])
def test_what_another_handler_writes_is_not_written_twice(
    lines: list[str], propagate: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.INFO)
    logger = logging.getLogger("django")
    logger.addHandler(handler)
    logger.propagate = propagate

    logging.getLogger("django.tasks").info("state=RUNNING")
    logging.getLogger("django_offload").info("swept")

    assert capsys.readouterr().err == "state=RUNNING\n"
    assert lines == ["INFO django_offload: swept"]


def test_what_another_handler_ignores_or_keeps_in_a_file_is_written(lines: list[str], tmp_path: Any) -> None:
    errors = logging.StreamHandler(sys.stderr)
    errors.setLevel(logging.ERROR)
    off = logging.StreamHandler(sys.stdout)
    off.addFilter(lambda record: False)
    file = logging.FileHandler(tmp_path / "log")
    for handler in (errors, off, file):
        logging.getLogger("orders").addHandler(handler)

    logging.getLogger("orders.tasks").info("adding")

    file.close()
    assert lines == ["INFO orders.tasks: adding"]
    assert (tmp_path / "log").read_text() == "adding\n"


def test_the_projects_own_root_logger_has_the_last_word(lines: list[str]) -> None:
    dictConfig({"version": 1, "root": {"level": "ERROR", "handlers": []}})

    logging.getLogger("orders.tasks").warning("adding")

    assert lines == []


@pytest.mark.parametrize(
    ("line", "status", "shown"),
    [
        (f"GET /tasks/{ID}/ HTTP/1.1", "200", False),
        (f"GET /tasks/{ID}/ HTTP/1.1", "304", False),
        (f"GET /tasks/{ID}/progress/?token=*** HTTP/1.1", "200", False),
        ("GET /admin/django_offload/task/?queue=mail HTTP/1.1", "200", False),
        (f"GET /admin/django_offload/task/{ID}/change/ HTTP/1.1", "200", False),
        (f"GET /tasks/{ID}/ HTTP/1.1", "404", True),
        (f"GET /tasks/{ID}/ HTTP/1.1", "500", True),
        (f"POST /tasks/{ID}/cancel/ HTTP/1.1", "202", True),
        (f"GET /photos/{ID}/large/ HTTP/1.1", "200", True),
        (f"GET /photos/{ID} HTTP/1.1", "200", True),
        ("GET /admin/ HTTP/1.1", "200", True),
        ("GET / HTTP/1.1", "200", True),
    ],
)
def test_the_sites_log_hides_what_our_pages_ask_for_again_and_again(
    line: str, status: str, shown: bool
) -> None:
    record = logging.LogRecord("django.server", logging.INFO, "", 1, '"%s" %s %s', (line, status, "9"), None)

    assert WithoutOwnRequests().filter(record) is shown


def test_a_record_of_another_form_is_shown() -> None:
    for args in (None, (), ("broken pipe",), ({"a": 1},)):
        record = logging.LogRecord("django.server", logging.INFO, "", 1, "x", args, None)
        assert WithoutOwnRequests().filter(record)


def test_the_projects_own_page_about_a_task_is_shown(settings: Any) -> None:
    settings.ROOT_URLCONF = urls = ModuleType("urls")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("report/<str:task_id>/", lambda request, task_id: HttpResponse(), name="report"),
        path("under/another/name/", include("django_offload.urls", namespace="work")),
    ]
    shown = [f"/report/{ID}/", f"/nowhere/{ID}/", "/nowhere/django_offload/task/"]

    for address in [*shown, f"/under/another/name/{ID}/"]:
        line = f"GET {address} HTTP/1.1"
        record = logging.LogRecord("django.server", logging.INFO, "", 1, "x", (line, "200", "9"), None)
        assert WithoutOwnRequests().filter(record) is (address in shown), address
