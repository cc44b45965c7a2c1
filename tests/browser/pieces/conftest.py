"""The project of progress_on_a_page.md, served once, and its visitors."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.pieces.site import Site
from tests.browser.visitor import Visitor


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The project of the page, served."""
    made = Site(tmp_path_factory.mktemp("pages"))
    made.start()
    yield made
    made.end()


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Let visitors in; none may meet an error or a breach of the content security policy."""
    visitors: list[Visitor] = []

    def enter(**context: Any) -> Visitor:
        visitor = Visitor(browser, site.address, **context)
        visitors.append(visitor)
        visitor.goto("/")
        return visitor

    site.allow(0)
    yield enter
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for visitor in visitors:
        visitor.context.close()
    site.settle()
    assert not problems


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """One visitor, at an ordinary desk."""
    return visit(viewport={"width": 1280, "height": 900})
