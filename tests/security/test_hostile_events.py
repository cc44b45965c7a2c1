"""An event of somebody else is refused by each of the five functions, and nothing of it is obeyed."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from django_offload.exceptions import MessageRefused, UnknownEvent
from tests.contract.setup import STACK
from tests.security.corpus.batches import hostile_batches, hostile_migrations, odd_batches
from tests.security.corpus.occurrences import (
    group,
    hostile_groups,
    hostile_occurrences,
    hostile_ticks,
    occurrence,
    tick,
)
from tests.security.corpus.requests import HOSTILE, hostile_requests, requests_that_command
from tests.security.corpus.services import EVERYWHERE
from tests.security.guard import misdeeds, report
from tests.security.setup import DOORS, RULE, Site


def record_of(site: Site, *, dead: bool = False) -> dict[str, Any]:
    """Return the record of an honest message in a batch."""
    (record,) = site.batch(site.message(name="shop.pay"), dead=dead)["Records"]
    return dict(record)


def foreign(door: str, site: Site) -> dict[str, Any]:
    """Return every event that a function must refuse, by what it is."""
    now = site.now()
    worker, dead = record_of(site), record_of(site, dead=True)
    migration, own = {"a migration": {"do": "migrate"}}, {"a tick": tick(RULE, now)}
    scheduled = {"an occurrence": occurrence("nightly", now)}
    near: dict[str, dict[str, Any]] = {
        "worker": hostile_batches(worker) | {"a batch of dead letters": {"Records": [dead]}},
        "dead_letter": hostile_batches(dead) | {"a batch of messages": {"Records": [worker]}},
        "sweeper": hostile_ticks(RULE, now)
        | hostile_occurrences("nightly", now)
        | hostile_groups(STACK, now)
        # An honest one, by the alias of the rule.
        | {"a group": group(STACK, now)},
        "migrate": hostile_migrations(),
        "web": HOSTILE,
    }
    others = {
        "worker": migration | own | scheduled,
        "dead_letter": migration | own | scheduled,
        "sweeper": migration | {"a batch": {"Records": [worker]}},
        "migrate": own | scheduled | {"a batch": {"Records": [worker]}},
        "web": migration | own | scheduled | {"a batch": {"Records": [worker]}},
    }
    events = {**EVERYWHERE, **others[door], **{f"near: {name}": event for name, event in near[door].items()}}
    if door != "web":
        events |= {f"a request: {name}": event for name, event in requests_that_command().items()}
    return events


def refusals(
    site: Site, door: str, events: Mapping[str, Any], qualifier: str = "live"
) -> dict[str, list[str]]:
    """Have a function refuse each event; return what went wrong."""
    found = {}
    for name, event in events.items():
        site.clear()
        found[name] = misdeeds(partial(site.invoke, door, event, qualifier), UnknownEvent, MessageRefused)
        if any(site.state()[part] for part in ("records", "parts", "objects", "noted", "fired")):
            found[name].append("it left something")
    return found


@pytest.mark.parametrize("door", DOORS)
def test_a_function_refuses_every_foreign_event(site: Site, door: str) -> None:
    assert report(refusals(site, door, foreign(door, site))) == ""


def test_by_the_alias_of_its_shards_the_sweeper_refuses_all_but_a_group(site: Site) -> None:
    """Otherwise a group could begin a sweep that shares out its shards again."""
    now = site.now()
    own = {"a tick": tick(RULE, now), "an occurrence": occurrence("nightly", now)}
    events = {name: event for name, event in foreign("sweeper", site).items() if name != "near: a group"}

    assert report(refusals(site, "sweeper", events | own, "shards")) == ""


@pytest.mark.parametrize("door", ["worker", "dead_letter"])
def test_a_forged_message_is_nothing_else_whatever_its_record_says(site: Site, door: str) -> None:
    dead = door == "dead_letter"
    forged = site.message(name="shop.pay").replace('"args":[', '"args":[7', 1)
    found = {}
    for name, event in odd_batches(record_of(site, dead=dead), forged).items():
        site.clear()
        found[name] = misdeeds(partial(site.invoke, door, event))
        state = site.state()
        if state["records"] or state["fired"] or (state["objects"] and not dead):
            found[name].append("it left something")
        if not all(key.startswith("dead/default/") for key in state["objects"]):
            found[name].append("it was kept elsewhere")

    assert report(found) == ""


def answers(site: Site, requests: Mapping[str, Any]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Return what went wrong with each request, and the status of its answer."""
    found, statuses = {}, {}

    def ask(name: str, event: Any) -> None:
        statuses[name] = site.invoke("web", event)["statusCode"]

    for name, event in requests.items():
        found[name] = [act for act in misdeeds(partial(ask, name, event)) if act not in site.usual]
    return found, statuses


def test_a_request_is_only_a_request_whatever_it_says_beside(site: Site) -> None:
    found, statuses = answers(site, requests_that_command())

    assert report(found) == ""
    assert set(statuses.values()) == {404}


def test_no_request_has_an_answer_of_500_or_loads_what_it_names(site: Site) -> None:
    found, statuses = answers(site, hostile_requests())

    assert report(found) == ""
    assert {name: status for name, status in statuses.items() if status >= 500} == {}
    assert site.state()["fired"] == []


def test_the_functions_do_accept_their_own_events(site: Site) -> None:
    """Otherwise every refusal here would prove nothing."""
    now = site.now()

    assert site.invoke("worker", site.batch(site.message())) == {"batchItemFailures": []}
    assert site.invoke("dead_letter", site.batch(site.message(), dead=True)) == {"batchItemFailures": []}
    site.invoke("sweeper", tick(RULE, now))
    assert site.invoke("sweeper", occurrence("nightly", now)) == {"enqueued": 1}
    assert site.invoke("sweeper", occurrence("nightly", now - timedelta(hours=3))) == {"enqueued": 1}
    assert site.invoke("sweeper", group(STACK, now), "shards") == {}
    assert site.invoke("sweeper", group(STACK, now - timedelta(seconds=55)), "shards") == {}
    assert site.invoke("web", hostile_requests()["JSON: a list"])["statusCode"] == 400
