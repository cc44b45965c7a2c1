"""No text of a stored record decides what a process imports or runs, whoever reads it and however."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from django_offload.compat import default_task_backend
from django_offload.exceptions import ClassNotImported, UnknownTask
from django_offload.http import status_url
from django_offload.protocol.message import decode
from django_offload.protocol.record import initial_item
from tests.contract.records import storing
from tests.contract.setup import STACK
from tests.security.corpus.names import HERE
from tests.security.corpus.records import END, error, hostile_records, named_everywhere
from tests.security.guard import misdeeds, report
from tests.security.setup import Site
from tests.security.tripwire import FIRED
from tests.unit.management.commands import run

# Only every third record is read by these, because a page or a command takes some milliseconds.
DEAR = {"the board", "offload_result", "offload_result --json", "offload_dead show"}
BOARD = "admin:django_offload_task_changelist"


def stored(site: Site, attributes: dict[str, Any]) -> str:
    """Return the id of a record into which somebody wrote these attributes."""
    store, enqueued = site.memory.stores[STACK], decode(site.message(), site.keyring).enqueued
    path = json.loads(attributes["error"])["class"] if "error" in attributes else "shop.Error"
    store.put_part(enqueued.id, "error#0001", json.dumps(error(path)), END)
    store.change(enqueued.id, storing({**initial_item(enqueued), "ttl": END, **attributes}))
    return enqueued.id


def read_result(task_id: str) -> None:
    """Read a result as the code of a project does, and ask for each exception's class."""
    try:
        result = default_task_backend.get_result(task_id)
    except UnknownTask:
        return
    result.refresh()
    for found in result.errors:
        try:
            assert issubclass(found.exception_class, BaseException)
        except ClassNotImported:
            continue


def readers(staff: Client) -> dict[str, Callable[[str], object]]:
    """Return everything that reads one record, by what it is."""
    visitor = Client()

    def get(client: Client, address: str, status: set[int], **headers: str) -> None:
        assert client.get(address, headers=headers).status_code in status, address

    def cancel(task_id: str) -> None:
        answer = staff.post(reverse("django_offload:cancel", args=[task_id]))
        assert answer.status_code in {202, 409}, answer.status_code

    return {
        "a result": read_result,
        "status": lambda task_id: get(staff, status_url(task_id), {200}),
        "status, a stranger's": lambda task_id: get(visitor, status_url(task_id), {200, 404}),
        "progress": lambda task_id: get(staff, reverse("django_offload:progress", args=[task_id]), {200}),
        "a cancel": cancel,
        "the board": lambda task_id: get(
            staff, reverse("admin:django_offload_task_change", args=[task_id]), {200}
        ),
        "offload_result": lambda task_id: run("offload_result", task_id),
        "offload_result --json": lambda task_id: run("offload_result", task_id, "--json"),
        "offload_dead show": lambda task_id: run("offload_dead", "show", task_id),
    }


def shown(client: Client, address: str) -> None:
    """Ask for a page, and have it whole."""
    answer = client.get(address)
    assert (answer.status_code, "</html>" in answer.text) == (200, True), address


def lists(staff: Client, site: Site) -> dict[str, Callable[[], object]]:
    """Return everything that reads all records."""
    return {
        **{
            f"the board, {name}": lambda name=name: shown(staff, f"{reverse(BOARD)}?list={name}")
            for name in ("failed", "dead", "underway", "deferred")
        },
        "offload_dead list": lambda: run("offload_dead", "list", "--failed"),
        "offload_dead list --json": lambda: run("offload_dead", "list", "--failed", "--json"),
        "a sweep": site.memory.sweep,
        "offload_dead redrive": lambda: run("offload_dead", "redrive", "--all", "--json"),
        "the workers": site.memory.run,
    }


@pytest.fixture
def staff(site: Site) -> Client:
    """Return the browser of somebody who may see every task."""
    client = Client()
    client.force_login(User.objects.create_user("ada", is_staff=True, is_superuser=True))
    return client


def test_a_hostile_record_imports_and_runs_nothing_whoever_reads_it(site: Site, staff: Client) -> None:
    honest, every = stored(site, named_everywhere("builtins.ValueError")), readers(staff)
    usual = {}
    for name, read in every.items():
        read(honest)
        usual[name] = set(misdeeds(lambda read=read: read(honest)))
    found = {}
    for number, (record, attributes) in enumerate(hostile_records().items()):
        task_id = stored(site, attributes)
        for name, read in every.items():
            if number % 3 and name in DEAR:
                continue
            acts = misdeeds(lambda read=read, task_id=task_id: read(task_id))
            found[f"{record}, {name}"] = [act for act in acts if act not in usual[name]]

    assert report(found) == ""
    assert [fired for fired in FIRED if not fired.startswith("note")] == []


def test_hostile_records_among_others_are_listed_swept_and_redriven_alone(site: Site, staff: Client) -> None:
    usual: dict[str, set[str]] = {}
    for name, read in lists(staff, site).items():
        stored(site, named_everywhere("builtins.ValueError"))
        read()
        usual[name] = set(misdeeds(read))
    site.clear()
    for attributes in hostile_records().values():
        stored(site, attributes)
    found = {}
    for name, read in lists(staff, site).items():
        found[name] = [act for act in misdeeds(read) if act not in usual[name]]

    assert report(found) == ""
    assert FIRED == []
    assert site.memory.stores[STACK].records != {}


def test_a_class_that_is_named_is_found_only_where_it_is_loaded() -> None:
    from django_offload.definition.results import imported_exception

    assert imported_exception(f"{HERE}.tripwire.Error").__name__ == "Error"
    for path in (
        f"{HERE}.unheard_of.Error",
        f"{HERE}.tripwire.anything",
        f"{HERE}.tripwire.fire",
        "os.system",
    ):
        with pytest.raises(ClassNotImported):
            imported_exception(path)
    assert FIRED == []
