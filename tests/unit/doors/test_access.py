"""Every cell of the table of access: status, private values, changes, the admin's log, and caching."""

import logging
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.http import HttpResponse

from django_offload.models import Task
from tests.unit.doors.access_site import (
    ACTORS,
    BODY,
    DECLARED,
    IDS,
    UNKNOWN,
    AccessSite,
    letters_of,
    library_urls,
    schedule_of,
)
from tests.unit.doors.access_table import TABLE, Cell, cells

pytestmark = pytest.mark.urls("tests.unit.doors.access_site")

ENDPOINTS = sorted({line.split("|")[0].split()[-2].partition(":")[0] for line in TABLE.split("\n") if line})
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
# What a proxy may store without being told so. https://www.rfc-editor.org/rfc/rfc9110#section-15.1
STORED_BY_DEFAULT = {200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501}


@pytest.fixture
def site(ours, offload, settings):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"  # Three times as fast.
    ours["default"]["OPTIONS"]["schedules"] = DECLARED
    settings.TASKS = dict(ours)
    logging.disable()
    yield AccessSite()
    logging.disable(logging.NOTSET)


# Only a start needs a transaction that commits, and the other tests are faster without.
@pytest.mark.parametrize(
    "endpoint",
    [pytest.param(name, marks=pytest.mark.django_db(transaction=name == "start")) for name in ENDPOINTS],
)
def test_t04_each_cell_is_as_the_table_says(site, endpoint):
    expected = list(cells(endpoint))
    wrong = [difference for cell in expected if (difference := difference_of(site, cell))]

    assert not wrong, "\n".join(wrong)
    assert {cell.actor for cell in expected} == set(ACTORS)
    assert {cell.method for cell in expected} == METHODS


def difference_of(site: AccessSite, cell: Cell) -> str:
    """Ask for a cell, and return what is wrong with it, or an empty text."""
    answer = site.ask(cell.actor, cell.method, cell.endpoint, cell.state, csrf=cell.csrf)
    changed = site.state() != site.before
    if changed:
        site.reset()
    entries = LogEntry.objects.select_related("user")
    logged = [(entry.user.username, entry.object_id, bool(entry.change_message)) for entry in entries]
    if logged:
        LogEntry.objects.all().delete()
    name, _, variant = cell.endpoint.partition(":")
    object_id = BODY if name == "unreadable" else IDS.get(cell.state, UNKNOWN)
    if name == "schedules_act":
        object_id = f"schedule:default:{schedule_of(variant)}"
    seen = (answer.status_code, letters_of(answer), changed, logged)
    right = (
        cell.status,
        "".join(sorted(cell.shows, key="vaetpob".index)),
        cell.changes,
        [(cell.actor, object_id, True)] if cell.is_logged else [],
    )
    problems = [f"{seen} is not {right}"] if seen != right else []
    problems += problems_of_headers(cell, answer)
    return f"{cell}: {'; '.join(problems)}" if problems else ""


def problems_of_headers(cell: Cell, answer: HttpResponse) -> list[str]:
    """Return what a proxy or another page may learn from an answer's headers."""
    problems = []
    caching = answer.get("Cache-Control", "")
    stored = answer.status_code in STORED_BY_DEFAULT or caching or "Expires" in answer
    if "private" not in caching and stored:
        problems.append(f"a proxy may store it: {caching!r}")
    if answer.cookies and cell.endpoint in {"status", "progress", "cancel"}:
        problems.append("it sets a cookie")
    if answer.status_code != 403 and cell.endpoint in {"status", "progress", "cancel", "start"}:
        vary = {name.strip() for name in answer.get("Vary", "").split(",")}
        if not {"Cookie", "X-Offload-Token"} <= vary:
            problems.append(f"it varies with {vary}")
        if answer.get("Referrer-Policy") != "strict-origin":
            problems.append("its address may be sent on")
    if answer.get("X-Content-Type-Options") != "nosniff":
        problems.append("a browser may guess its type")
    return problems


def test_t06_the_board_is_read_only_but_for_a_post_with_a_permission_that_the_log_has():
    """The test above holds each cell of the table; this one reads what the cells say together."""
    board = admin.site.get_model_admin(Task)
    changing = [cell for name in ENDPOINTS for cell in cells(name) if cell.changes]

    assert {cell.method for cell in changing} == {"POST"}
    assert all(cell.csrf for cell in changing)
    assert {cell.actor for cell in changing if not cell.is_logged and cell.endpoint != "start"} == {"owner"}
    needed = {"act:cancel!": "cancel", "act:retry!": "retry", "act:redrive!": "redrive"}
    needed |= {f"schedules_act:{action}!": action for action in ("pause", "resume", "run")}
    needed |= {"act:discard!": "discard", "unreadable": "discard"}
    for endpoint, permission in needed.items():
        actors = {cell.actor for cell in changing if cell.endpoint == endpoint}
        assert actors == {"superuser", f"view+{permission}"}
    request = SimpleNamespace(user=User(is_superuser=True, is_staff=True))
    may = (board.has_add_permission, board.has_change_permission, board.has_delete_permission)
    assert not any(permission(request) for permission in may)


def test_the_table_has_every_url_of_the_library():
    names = {(pattern.name or "to-change").removeprefix("django_offload_task_") for pattern in library_urls()}

    assert names | {"start"} == set(ENDPOINTS)
