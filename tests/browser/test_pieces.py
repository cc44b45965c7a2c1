"""docs/pages.md in Chromium: pieces that show progress, and forms and scripts that start tasks."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.pieces.site import Site
from tests.browser.visitor import Visitor

PATIENCE_MS = 20_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The project of the page, served."""
    made = Site(tmp_path_factory.mktemp("pages"))
    made.start()
    yield made
    made.allow(4)
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
    site.allow(4)
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for visitor in visitors:
        visitor.context.close()
    assert not problems


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    return visit()


def start(visitor: Visitor) -> str:
    """Start a report as the page's form does, and return its task's id."""
    visitor.page.click("button")
    visitor.page.wait_for_url("**/report/*/")
    return visitor.page.url.rstrip("/").rpartition("/")[2]


def bar(page: Page) -> Locator:
    return page.get_by_role("progressbar", name="Your report")


def text(page: Page) -> Locator:
    return page.get_by_role("status")


def test_a_piece_goes_on_without_a_reload(visitor: Visitor, site: Site):
    start(visitor)
    page = visitor.page
    expect(text(page)).to_have_text(re.compile("Waiting to start|Running"))
    page.evaluate("window.live = document.querySelector('[aria-live=polite]')")

    site.allow(2)
    expect(bar(page)).to_have_attribute("aria-valuenow", "50", timeout=PATIENCE_MS)
    expect(page.get_by_text("Month 2 of 2026")).to_be_visible()
    expect(text(page)).to_have_text("Running")
    site.allow(4)

    expect(text(page)).to_have_text("Done", timeout=PATIENCE_MS)
    expect(bar(page)).to_have_attribute("aria-valuenow", "100")
    expect(page.get_by_role("link", name="Open the archive")).to_have_attribute("href", "/archive/")
    expect(page).to_have_title("Your report is ready")
    expect(page.get_by_role("link", name="Refresh")).to_be_hidden()
    assert page.evaluate("window.live === document.querySelector('[aria-live=polite]')")
