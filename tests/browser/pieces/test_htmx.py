"""A piece that htmx keeps going, by attributes alone."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.judges import package
from tests.browser.pieces.site import ALL, Site
from tests.browser.pieces.test_progress import PATIENCE_MS, bar, text
from tests.browser.visitor import Visitor

# What is read out: every text that the live region ever had.
LISTEN = """() => {
    const live = document.querySelector("[aria-live=polite]");
    window.heard = [live.textContent];
    const hear = () => window.heard.push(live.textContent);
    new MutationObserver(hear).observe(live, { childList: true, subtree: true });
}"""


@pytest.fixture(params=["htmx-2", "htmx-4"])
def with_htmx(request: pytest.FixtureRequest, visitor: Visitor) -> Visitor:
    """Somebody at the page with the button, whichever release of htmx it loads."""
    file = package(request.param) / "dist" / "htmx.min.js"
    visitor.page.route("**/reports/htmx.js", lambda route: route.fulfill(path=file))
    visitor.goto("/with-htmx/")
    return visitor


def test_htmx_shows_the_progress_and_stops_when_it_is_done(with_htmx: Visitor, site: Site):
    page = with_htmx.page
    page.get_by_role("button", name="Build it").click()
    expect(text(page)).to_have_text(re.compile("Waiting to start|Running"))
    page.evaluate(LISTEN)

    site.allow(2)
    expect(bar(page)).to_have_attribute("aria-valuenow", "50", timeout=PATIENCE_MS)
    site.allow(ALL)
    expect(text(page)).to_have_text("Done", timeout=PATIENCE_MS)
    expect(bar(page)).to_have_attribute("aria-valuenow", "100")
    asked = len(with_htmx.polls)

    heard = page.evaluate("window.heard")
    assert len(heard) == len(set(heard)), "the same was read out twice"
    assert page.locator("[hx-get]").count() == 0
    assert page.locator("script[src*='progress.js']").count() == 0
    page.wait_for_timeout(1500)
    assert len(with_htmx.polls) == asked


@pytest.mark.parametrize("status", [404, 503])
def test_htmx_asks_again_after_an_answer_that_failed(with_htmx: Visitor, site: Site, status: int):
    page, asked = with_htmx.page, list[str]()

    def fail_once(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=status, body="<h1>Not now</h1>")
        else:
            route.continue_()

    page.route("**/progress/**", fail_once)
    site.allow(ALL)
    page.get_by_role("button", name="Build it").click()

    expect(text(page)).to_have_text("Done", timeout=PATIENCE_MS)
    assert len(asked) > 1
    # htmx 2 notes each failure on the console.
    with_htmx.problems[:] = [problem for problem in with_htmx.problems if f"{status}" not in problem]
