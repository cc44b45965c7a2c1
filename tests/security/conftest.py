"""The site of these tests, started once."""

import logging
import sys
from collections.abc import Iterator

import pytest

from tests.security.corpus.occurrences import occurrence, tick
from tests.security.corpus.requests import hostile_requests, posted
from tests.security.guard import watching
from tests.security.setup import RULE, Site, running_site
from tests.security.tripwire import FIRED

FORM = "application/x-www-form-urlencoded"
PART = '--x\r\nContent-Disposition: form-data; name="value"\r\n\r\n1\r\n--x--\r\n'
# Modules that hostile texts name.
NEVER_LOADED = {"tests.security.unheard_of", "antigravity", "this"}


@pytest.fixture(scope="module")
def started() -> Iterator[Site]:
    """Return the site, with every function started."""
    level = logging.getLogger().level
    with running_site() as site:
        yield site
    logging.getLogger().setLevel(level)


@pytest.fixture
def site(started: Site, db: None) -> Site:
    """Return the site with nothing in it, and every function warm."""
    if not started.usual:
        warm_up(started)
    started.clear()
    return started


def warm_up(site: Site) -> None:
    """Have every function import what honest events and plain refusals need, and note what they do then."""
    honest = [
        posted("/note/", '{"value": 1}'),
        posted("/note/", "value=1", FORM),
        posted("/note/", PART, "multipart/form-data; boundary=x"),
        posted("/nowhere/", ""),
        posted(f"/tasks/{'0' * 32}/cancel/", ""),
    ]
    for event in [*honest, *hostile_requests().values()]:
        site.invoke("web", event)
    with watching() as acts:
        for event in honest:
            site.invoke("web", event)
    site.usual = frozenset(acts)
    site.invoke("worker", site.batch(site.message(), "{}"))
    site.invoke("dead_letter", site.batch(site.message(), "{}", dead=True))
    site.invoke("sweeper", tick(RULE, site.now()))
    site.invoke("sweeper", occurrence("nightly", site.now()))
    assert FIRED == []
    assert NEVER_LOADED & sys.modules.keys() == set()
