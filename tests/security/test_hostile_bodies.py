"""A hostile body in a queue, or in place of a message, runs nothing, loads nothing and harms no neighbour."""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from django_offload.definition.registry import LISTING, ListedRegistry, listing_text, registry
from django_offload.exceptions import MessageRefused, UnknownEvent
from django_offload.protocol.record import FAILED, SUCCESSFUL
from tests.contract.setup import STACK, tasks_setting
from tests.security.corpus.bodies import hostile_bodies, replayed, resigned, unsigned_fields
from tests.security.corpus.names import NAMES
from tests.security.guard import misdeeds, report
from tests.security.setup import Site

UNHEARD_OF = "tests.security.unheard_of"
OF_ITS_TASK = {"it was accepted", "something changed"}


def made_of_good(site: Site) -> dict[str, str]:
    """Return every hostile body, made of a message that would run if it were accepted."""
    good = site.message(name="shop.pay", arguments='[[1],{"card":"4111"}]')
    return hostile_bodies(good) | {
        f"replayed: {name}": body for name, body in replayed(good, site.keyring.secrets[0], STACK).items()
    }


def each(site: Site, bodies: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each name and body, with nothing left of the one before."""
    for name, body in bodies.items():
        site.clear()
        yield name, body


def worked_on(site: Site, body: str) -> list[str]:
    """Hand a body to a worker between two honest messages; return what went wrong."""
    neighbours = [site.message(), site.message()]
    before, answers = site.state(), []
    event = site.batch(neighbours[0], body, neighbours[1])
    wrong = misdeeds(lambda: answers.append(site.invoke("worker", event)))
    after = site.state()
    ids = [json.loads(text)["id"] for text in neighbours]
    if answers and answers[0] != {"batchItemFailures": [{"itemIdentifier": "1"}]}:
        wrong.append(f"the batch was answered with {answers[0]}")
    if [after["records"].pop(task_id, {}).get("status") for task_id in ids] != [SUCCESSFUL] * 2:
        wrong.append("a neighbour was lost")
    if after.pop("noted") != [*before.pop("noted"), *(int(task_id, 16) for task_id in ids)]:
        wrong.append("the neighbours ran otherwise than once each")
    return [*wrong, *(f"the {part} changed" for part in before if before[part] != after[part])]


def test_a_worker_gives_back_every_hostile_body_and_works_on_its_neighbours(site: Site) -> None:
    found = {name: worked_on(site, body) for name, body in each(site, made_of_good(site))}

    assert report(found) == ""


def test_a_worker_refuses_every_hostile_body_in_place_of_a_message(site: Site) -> None:
    found = {}
    for name, body in each(site, made_of_good(site)):
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            event = body  # Lambda takes no event that isn't JSON.
        before = site.state()
        found[name] = misdeeds(partial(site.invoke, "worker", event), UnknownEvent, MessageRefused)
        if site.state() != before:
            found[name].append("something changed")

    # Another spelling of the same fields is the same event: what arrives is what a reader made of it. So the
    # task may run, as its message says, but nothing else may happen.
    for name, wrong in found.items():
        if name.startswith("respelled: "):
            found[name] = [one for one in wrong if one not in OF_ITS_TASK]
    assert report(found) == ""


def test_a_hostile_dead_letter_is_kept_and_touches_no_record(site: Site) -> None:
    found = {}
    for name, body in each(site, made_of_good(site)):
        honest, before, answers = site.message(), site.state(), []
        event = site.batch(body, honest, dead=True)
        wrong = misdeeds(lambda event=event, said=answers: said.append(site.invoke("dead_letter", event)))
        after = site.state()
        if answers and answers[0] != {"batchItemFailures": []}:
            wrong.append(f"the batch was answered with {answers[0]}")
        if after["records"].pop(json.loads(honest)["id"], {}).get("status") != FAILED:
            wrong.append("the honest dead letter was lost")
        key = f"dead/default/{site.now():%Y-%m-%d}/0"
        if after.pop("objects") != {key: body.encode("utf-8", "backslashreplace")}:
            wrong.append("the body was not kept")
        found[name] = [
            *wrong,
            *(
                f"the {part} changed"
                for part in ("messages", "noted", "fired")
                if before[part] != after[part]
            ),
            *(["another record changed"] if after["records"] else []),
        ]

    assert report(found) == ""


def test_a_signed_name_is_only_looked_up_among_the_tasks(site: Site) -> None:
    fields = unsigned_fields(site.message())
    signed = {
        name: resigned(fields | {"name": text, "args": ["id"]}, site.keyring) for name, text in NAMES.items()
    }

    found = {name: worked_on(site, body) for name, body in each(site, signed)}

    assert report(found) == ""


@pytest.fixture
def packaged(site: Site, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return the site in a package that lists its tasks, one of them in a module that nothing has loaded."""
    settings.TASKS = tasks_setting(modules=["tests.security.tasks", UNHEARD_OF])
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, UNHEARD_OF, ModuleType(UNHEARD_OF))
        stored = json.loads(listing_text())
    stored["tasks"]["shop.unheard_of"] = [UNHEARD_OF, "other"]
    (tmp_path / LISTING).write_text(json.dumps(stored))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    registry.cache_clear()
    assert isinstance(registry(), ListedRegistry)
    yield site
    site.usual = frozenset()  # The next test starts it again, with other settings.


def test_a_signed_name_that_a_package_does_not_list_imports_nothing(packaged: Site) -> None:
    fields = unsigned_fields(packaged.message())
    signed = {
        name: resigned(fields | {"name": text, "args": ["id"]}, packaged.keyring)
        for name, text in NAMES.items()
    }
    honest = packaged.message()  # Its module is loaded, as the start of a worker of its queue does it.
    packaged.invoke("worker", packaged.batch(honest))

    found = {name: worked_on(packaged, body) for name, body in each(packaged, signed)}
    for name, body in each(packaged, signed):
        event = packaged.batch(body, dead=True)
        found[name] += misdeeds(partial(packaged.invoke, "dead_letter", event))
        # AWS stores no record with some of these names.
        for record in packaged.state()["records"].values():
            found[name] += [] if "UnknownTask" in record["error"] else [f"it ended with {record['error']}"]

    assert report(found) == ""
    assert UNHEARD_OF not in sys.modules


WRONG_TYPES: dict[str, Any] = {
    "id": [7, None, [], {}, ""],
    "alias": [7, None, []],
    "name": [7, None, [], {}, True],
    "args": [7, None, {}],
    "kwargs": [7, None, []],
    "ref": [7, "payloads/x", [], {"key": "x"}, {"bucket": "other", "key": "x", "sha256": "0", "size": 1}],
    "enqueued_at": ["now", None, [], 10**30, -(10**30), 1e300],
    "expires_at": ["never", None, [], 10**30, -(10**30), 1e300],
    "run_after": ["soon", [], 10**30, -(10**30)],
    "options": [[], "x", 7],
}


@pytest.mark.parametrize("field", WRONG_TYPES)
def test_a_signed_field_of_a_wrong_type_runs_nothing(site: Site, field: str) -> None:
    """Only a defect here, or somebody with a key, can sign these."""
    for value in WRONG_TYPES[field]:
        site.clear()
        body = resigned(unsigned_fields(site.message(name="shop.pay")) | {field: value}, site.keyring)
        neighbours = [site.message(), site.message()]

        assert misdeeds(partial(site.invoke, "worker", site.batch(neighbours[0], body, neighbours[1]))) == []

        state = site.state()
        assert len(state["noted"]) == 2, value
        assert state["fired"] == [], value


ELSEWHERE = {
    "another object": {"key": "secrets/key", "sha256": "0" * 64, "size": 6},
    "an object upwards": {"key": "../secrets/key", "sha256": "0" * 64, "size": 6},
    "an object of another bucket": {"key": "s3://other/secrets/key", "sha256": "0" * 64, "size": 6},
    "an object by a URL": {"key": "https://127.0.0.1:9/key", "sha256": "0" * 64, "size": 6},
    "a file": {"key": "/etc/passwd", "sha256": "0" * 64, "size": 6},
    "a kept body": {"key": "dead/default/2026-11-30/0", "sha256": "0" * 64, "size": -1},
    "no object": {"key": "", "sha256": "", "size": 0},
    "a checksum of another kind": {"key": "secrets/key", "sha256": "md5:x", "size": 10**30},
}


def test_a_signed_reference_to_something_else_fails_the_task_unrun(site: Site) -> None:
    for name, reference in ELSEWHERE.items():
        site.clear()
        site.memory.payloads[STACK].put("secrets/key", b"hunter2")
        fields = unsigned_fields(site.message(name="shop.pay")) | {"ref": reference}
        body = resigned({key: fields[key] for key in fields if key not in {"args", "kwargs"}}, site.keyring)

        assert misdeeds(partial(site.invoke, "worker", site.batch(body))) == [], name

        state = site.state()
        (record,) = state["records"].values()
        assert (record["status"], json.loads(record["error"])["class"]) == (
            FAILED,
            "django_offload.exceptions.PayloadLost",
        ), name
        assert "hunter2" not in json.dumps(state["records"]) + json.dumps(state["parts"]), name
        assert state["fired"] == [], name


def test_an_expired_message_is_acknowledged_unrun_and_one_of_the_future_waits(site: Site) -> None:
    past, future = site.now() - timedelta(days=8), site.now() + timedelta(days=3_650)
    expired = resigned(
        unsigned_fields(site.message(name="shop.pay"))
        | {"expires_at": int(past.timestamp() * 1e6), "enqueued_at": int(past.timestamp() * 1e6)},
        site.keyring,
    )
    early = site.message(name="shop.pay", run_after=future)

    answers: list[object] = []

    assert misdeeds(lambda: answers.append(site.invoke("worker", site.batch(expired, early)))) == []

    assert answers == [{"batchItemFailures": [{"itemIdentifier": "1"}]}]  # The second one comes back.
    assert site.state()["fired"] == []
