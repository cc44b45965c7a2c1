"""The corpus is as large as it says, and a function that obeyed any of it would be noticed."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from django_offload.exceptions import UnknownEvent
from tests.security.corpus.names import NAMES
from tests.security.guard import misdeeds
from tests.security.planted import PLANTED
from tests.security.setup import DOORS, Site
from tests.security.test_hostile_bodies import made_of_good, worked_on
from tests.security.test_hostile_events import foreign, hostile_requests, odd_batches, record_of
from tests.security.tripwire import FIRED

NAMES_A_TASK = "tests.security.tasks.not_a_task"


@pytest.fixture
def _put_back() -> Iterator[None]:
    """Take back what the planted handlers do to this process."""
    environment, path = dict(os.environ), list(sys.path)
    yield
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    sys.modules.pop("planted", None)
    Path("/tmp", f"django-offload-{len(NAMES_A_TASK)}").unlink(missing_ok=True)
    FIRED.clear()


def test_the_corpus_has_hundreds_of_entries_for_every_function(site: Site) -> None:
    events = {door: foreign(door, site) for door in DOORS}
    bodies = made_of_good(site)
    requests = hostile_requests()
    odd = odd_batches(record_of(site), "{}")
    distinct = {
        repr_of(entry) for entry in [*bodies.values(), *NAMES.values(), *requests.values(), *odd.values()]
    }
    distinct |= {repr_of(event) for found in events.values() for event in found.values()}

    assert {door: len(found) for door, found in events.items() if len(found) < 100} == {}
    assert len(set(bodies.values())) == len(bodies) >= 300
    assert len(distinct) >= 1_000


def repr_of(entry: Any) -> str:
    """Return a text that two entries have in common only if they are the same. One is too deep for repr()."""
    try:
        return repr(entry)
    except RecursionError:
        return f"deep: {sorted(entry) if isinstance(entry, dict) else len(entry)}"
    except ValueError:  # An integer with more digits than Python writes.
        return f"huge: {entry.bit_length()}"


@pytest.mark.usefixtures("_put_back")
@pytest.mark.parametrize("way", PLANTED)
def test_a_function_that_obeys_is_noticed(site: Site, way: str) -> None:
    plant(site, PLANTED[way])
    event = site.batch(f'{{"name":"{NAMES_A_TASK}"}}')
    try:
        acts = misdeeds(partial(site.invoke, "worker", event), UnknownEvent)
    finally:
        site.handlers["worker"] = site.handlers.pop("honest")

    # Besides that it was accepted at all.
    assert [act for act in [*acts, *FIRED] if act != "it was accepted"] != []


def plant(site: Site, handler: Callable[[Any], Any]) -> None:
    site.handlers["honest"] = site.handlers["worker"]
    site.handlers["worker"] = lambda event, context: handler(event)


@pytest.mark.usefixtures("_put_back")
def test_a_worker_that_works_before_it_verifies_is_noticed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmac.compare_digest", lambda one, other: True)
    bodies = made_of_good(site)

    assert worked_on(site, bodies['changed: name is "tests.security.tasks.effect"']) != []


def test_a_quiet_call_has_no_misdeeds() -> None:
    assert misdeeds(lambda: sorted("ab")) == []
