"""The OpenAPI document: it is fresh, it holds together, and the views answer as it says, and nothing else."""

import json
from io import StringIO
from types import ModuleType

import pytest
from django.contrib.auth.decorators import login_required
from django.core.management import CommandError, call_command
from django.urls import clear_url_caches
from django.urls import path as route
from django.views.decorators.cache import never_cache

from django_offload.exceptions import OutOfTime
from django_offload.http import TriggerView
from django_offload.http.openapi import openapi_document
from django_offload.http.openapi.answers import SCHEMAS
from django_offload.http.views import status
from tests.docs.reference.pages import status_fields
from tests.openapi.__main__ import DOCUMENT
from tests.openapi.conformance import Conformance, operations
from tests.openapi.site import Reports
from tests.unit import tasks
from tests.unit.http.test_trigger import BROWSER

SITE = "tests.openapi.site"
pytestmark = pytest.mark.urls(SITE)


def references(node):
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        node = list(node.values())
    for inner in node if isinstance(node, list) else []:
        yield from references(inner)


def test_the_document_in_the_reference_is_fresh():
    call_command("offload_openapi", urlconf=SITE, check=DOCUMENT)


def test_a_stale_document_and_wrong_options_say_what_to_do(tmp_path):
    stale = tmp_path / "openapi.json"
    stale.write_text("{}")

    again = (
        rf"is stale\. Run manage\.py offload_openapi --urlconf {SITE} --title 'My shop' --output {stale} and"
    )
    with pytest.raises(CommandError, match=again):
        call_command("offload_openapi", urlconf=SITE, title="My shop", check=stale)
    with pytest.raises(CommandError, match=r"can't be read .*Write it with manage\.py offload_openapi"):
        call_command("offload_openapi", urlconf=SITE, check=tmp_path / "missing")
    with pytest.raises(CommandError, match=r"can't be written .*Name a file in a folder that exists"):
        call_command("offload_openapi", urlconf=SITE, output=tmp_path / "no" / "folder")
    with pytest.raises(CommandError, match=r"no\.such can't be imported .*Correct --urlconf"):
        call_command("offload_openapi", urlconf="no.such")


def test_it_describes_the_projects_own_urls_and_prints_them():
    out = StringIO()
    call_command("offload_openapi", title="Cakes", urlconf="tests.unit.http.site_of_pieces", stdout=out)

    document = json.loads(out.getvalue())

    assert document["info"]["title"] == "Cakes"
    assert {"/tasks/{task_id}/", "/tasks/{task_id}/cancel/", "/double/", "/plain/"} <= document[
        "paths"
    ].keys()
    body = document["paths"]["/double/"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"]["properties"] == {
        "number": {"type": "integer", "minimum": 1}
    }
    plain = document["paths"]["/plain/"]["post"]["requestBody"]["content"]
    assert list(plain) == ["application/json"]
    assert plain["application/json"]["schema"]["required"] == ["number"]
    assert "429" not in document["paths"]["/double/"]["post"]["responses"]


def test_it_follows_prefixes_parameters_and_regular_expressions():
    clear_url_caches()
    document = openapi_document("tests.unit.http.site_of_many_urls")

    assert list(document["paths"]) == [
        "/shops/{shop}/start/{when}/",
        "/old/{year}/",
        "/{lang}/tasks/{task_id}/",
        "/{lang}/tasks/{task_id}/cancel/",
        "/{lang}/tasks/{task_id}/progress/",
    ]
    assert document["paths"]["/shops/{shop}/start/{when}/"]["parameters"] == [
        {
            "name": "shop",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"},
        },
        {"name": "when", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}},
    ]


def test_it_finds_views_below_decorators():
    site = ModuleType("site_of_decorators")
    site.urlpatterns = [
        route("status/<task_id:task_id>/", never_cache(login_required(status)), name="status"),
        route("double/", login_required(TriggerView.as_view(task=tasks.double)), name="double"),
    ]

    assert list(openapi_document(site)["paths"]) == ["/status/{task_id}/", "/double/"]


def test_it_holds_together():
    document = openapi_document(SITE)
    names = [operation["operationId"] for _path, _method, operation in operations(document)]

    assert len(names) == len(set(names))
    assert document["openapi"] == "3.1.0"
    assert set(references(document)) == {f"#/components/schemas/{name}" for name in SCHEMAS}
    for path, _method, operation in operations(document):
        parameters = document["paths"][path].get("parameters", [])
        assert {f"{{{one['name']}}}" for one in parameters} == {
            part for part in path.split("/") if "{" in part
        }
        assert all(answer["description"].endswith(".") for answer in operation["responses"].values())
        for way in operation.get("security", []):
            assert way.keys() <= document["components"]["securitySchemes"].keys()
        for link in operation["responses"].get("202", {}).get("links", {}).values():
            assert link["operationId"] in names


def test_its_status_has_the_fields_that_a_status_has():
    fields = {entry.name for entry in status_fields()}

    assert set(SCHEMAS["Status"]["properties"]) == {name for name in fields if "." not in name}
    assert {f"error.{name}" for name in SCHEMAS["TaskError"]["properties"]} == {
        name for name in fields if "." in name
    }


@pytest.fixture
def conformance():
    clear_url_caches()
    return Conformance(openapi_document(SITE))


@pytest.fixture
def cut(offload, monkeypatch):
    """Return a function that takes AWS away."""

    def refuse(*args, **kwargs):
        raise OutOfTime(5)

    def take_away():
        for store in offload.stores.values():
            for name in ("change", "get", "parts"):
                monkeypatch.setattr(store, name, refuse)
        for transport in offload.transports.values():
            monkeypatch.setattr(transport, "send", refuse)

    return take_away


class Asker:
    """Asks in every way that a view can be asked, and holds each answer against the document."""

    def __init__(self, client, conformance):
        self.client, self.conformance = client, conformance

    def ask(self, method, path, body="", client=None, **headers):
        kind = "application/json" if method == "POST" else ""
        answer = (client or self.client).generic(method, path, body, content_type=kind, headers=headers)
        assert self.conformance.problems(method, path, answer) == []
        return answer

    def read(self, path, **more):
        for method in ("GET", "HEAD"):
            seen = self.ask(method, path, **more)
            if "ETag" in seen.headers:
                self.ask(method, path, **{"If-None-Match": seen.headers["ETag"]})

    def start(self, path, body, stranger):
        """Start a task in each way; return the id of one."""
        self.read(path)
        self.ask("OPTIONS", path)
        self.ask("POST", path, body, Accept=BROWSER["Accept"])
        self.ask("POST", path, body, **{"HX-Request": "true", "Accept": "*/*"})
        self.ask("POST", path, "{}")
        self.ask("POST", path, "[" * 10_000)
        self.ask("POST", path, body, stranger)
        return self.ask("POST", path, body).json()["id"]

    def ask_everything(self, paths, methods, **headers):
        for path in paths:
            for method in methods:
                self.ask(method, path, **headers)


TRIGGERS = {"/double/": '{"number": 1}', "/build-report/": '{"size": "small"}'}
UNKNOWN = f"/tasks/{'0' * 32}/"
EVERYTHING = [*TRIGGERS, UNKNOWN, f"{UNKNOWN}cancel/", f"{UNKNOWN}progress/"]
METHODS = ("GET", "HEAD", "OPTIONS", "POST")
OTHERS = ("PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


def test_t07_every_documented_status_is_reached_and_is_as_documented(
    visitor, offload, conformance, cut, monkeypatch
):
    asker, stranger = Asker(visitor("ada").client, conformance), visitor("eve", csrf=True).client
    started = [asker.start(path, body, stranger) for path, body in TRIGGERS.items()]
    addresses = [f"/tasks/{task_id}/{part}" for task_id in started for part in ("", "progress/")]
    for address in addresses:
        asker.read(address)
    asker.ask("POST", f"/tasks/{started[1]}/cancel/")
    offload.run()
    for address in addresses:
        asker.read(address)
    asker.ask("POST", f"/tasks/{started[0]}/cancel/")  # It has ended.
    canceller = visitor("sam", is_staff=True, permitted="cancel_task").client
    ended = asker.ask("POST", f"/tasks/{started[0]}/cancel/", client=canceller)
    assert (ended.status_code, set(ended.json())) == (409, {"id", "status"})
    asker.ask("POST", f"{UNKNOWN}cancel/", client=stranger)
    asker.ask_everything(EVERYTHING, METHODS + OTHERS)
    asker.ask_everything(EVERYTHING, METHODS, Host="elsewhere.example")
    with monkeypatch.context() as patch:
        patch.setattr(Reports, "throttle", staticmethod(lambda request: 7))
        for headers in ({}, {"Accept": BROWSER["Accept"]}, {"HX-Request": "true", "Accept": "*/*"}):
            answer = asker.ask("POST", "/build-report/", "{}", **headers)
            assert ("HX-Trigger" in answer.headers) is ("HX-Request" in headers)
    with monkeypatch.context() as patch:
        patch.setattr(TriggerView, "has_permission", lambda self: False)
        asker.ask_everything(TRIGGERS, METHODS)
        asker.ask_everything(TRIGGERS, METHODS, Accept=BROWSER["Accept"])
    cut()
    for path, body in TRIGGERS.items():
        asker.ask("POST", path, body)
    for address in addresses:
        asker.read(address)
        asker.read(address, **{"Sec-Fetch-Mode": "navigate"})
    asker.ask("POST", f"/tasks/{started[0]}/cancel/")

    assert conformance.documented == conformance.seen
