"""A piece that shows progress, as progress_on_a_page.md puts it on a page."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pieces.site import ALL, Site
from tests.browser.visitor import IMPATIENT, Visitor

PATIENCE_MS = 20_000


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
    site.allow(ALL)

    expect(text(page)).to_have_text("Done", timeout=PATIENCE_MS)
    expect(bar(page)).to_have_attribute("aria-valuenow", "100")
    expect(page.get_by_role("link", name="Open the archive")).to_have_attribute("href", "/archive/")
    expect(page).to_have_title("Your report is ready")
    expect(page.get_by_role("link", name="Refresh")).to_be_hidden()
    assert page.evaluate("window.live === document.querySelector('[aria-live=polite]')")
    assert_a_piece_that_has_ended_asks_no_more(visitor)


def assert_a_piece_that_has_ended_asks_no_more(visitor: Visitor) -> None:
    """Move it, copy it and take the copy away, as frameworks of pages do."""
    page, asked = visitor.page, len(visitor.polls)
    piece = page.locator("offload-progress")
    for name in ("data-url", "data-token"):
        assert piece.get_attribute(name) is None
    page.evaluate(
        """() => {
            const main = document.querySelector("main"), piece = document.querySelector("offload-progress");
            piece.remove();
            main.append(piece.cloneNode(true));
            document.querySelector("offload-progress").remove();
            main.append(piece);
        }"""
    )
    page.wait_for_timeout(1_200)  # A piece asks for the first time after a second.
    expect(text(page)).to_have_text("Done")
    assert len(visitor.polls) == asked


def test_a_reload_goes_on_where_it_was(visitor: Visitor, site: Site):
    site.allow(1)
    start(visitor)
    expect(bar(visitor.page)).to_have_attribute("aria-valuenow", "25", timeout=PATIENCE_MS)

    visitor.page.reload(wait_until="commit")

    expect(bar(visitor.page)).to_have_attribute("aria-valuenow", "25")
    site.allow(ALL)
    expect(text(visitor.page)).to_have_text("Done", timeout=PATIENCE_MS)


def test_without_javascript_a_link_refreshes_the_page(visit: Callable[..., Visitor], site: Site):
    visitor = visit(java_script_enabled=False)
    site.allow(1)
    start(visitor)
    page, address = visitor.page, visitor.page.url
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    site.allow(ALL)

    visitor.refresh()

    assert page.url == address
    expect(text(page)).to_have_text("Done")
    expect(bar(page)).to_have_attribute("aria-valuenow", "100")
    expect(page.get_by_role("link", name="Open the archive")).to_be_visible()
    assert not visitor.polls


def test_a_failure_is_told_without_its_reasons(visitor: Visitor):
    visitor.goto("/reports/")
    visitor.page.get_by_label("Year").fill("2099")
    visitor.page.get_by_role("button", name="Build it").click()

    expect(text(visitor.page)).to_have_text("Failed", timeout=PATIENCE_MS)
    assert "no figures" not in visitor.page.content()
    assert "LookupError" not in visitor.page.content()


def test_who_may_not_see_the_task_sees_no_page(visitor: Visitor, visit: Callable[..., Visitor]):
    start(visitor)

    assert visit().goto(visitor.page.url) == 404


def test_a_task_that_is_gone_is_told_so_and_the_link_is_offered_again(visitor: Visitor):
    page = visitor.page
    with page.expect_response("**/progress/**"):
        start(visitor)
    expect(page.get_by_role("link", name="Refresh")).to_be_hidden()

    page.route("**/progress/**", lambda route: route.fulfill(status=404))

    gone = "The progress can no longer be shown. Reload the page to see how the task is doing."
    expect(text(page)).to_have_text(gone, timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()


@pytest.mark.parametrize("hangs", [False, True], ids=["it answers 503", "it hangs"])
def test_a_piece_whose_server_does_not_answer_says_that_it_is_stale_and_goes_on(
    visitor: Visitor, site: Site, hangs: bool
):
    page = visitor.page
    visitor.context.add_init_script(IMPATIENT)
    start(visitor)
    expect(text(page)).to_have_text(re.compile("Waiting to start|Running"))
    visitor.away = True
    page.route("**/progress/**", lambda route: None if hangs else route.fulfill(status=503))

    stale = "The server doesn't answer, so this may be out of date. The page will try again."
    expect(text(page)).to_have_text(stale, timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()

    page.unroute("**/progress/**")
    site.allow(ALL)
    expect(text(page)).to_have_text("Done", timeout=PATIENCE_MS)
    expect(page.get_by_role("link", name="Refresh")).to_be_hidden()


def test_a_piece_that_comes_later_goes_on_and_one_that_is_taken_away_stops(visitor: Visitor):
    page = visitor.page
    with page.expect_response("**/progress/**"):
        start(visitor)

    page.evaluate("window.piece = document.querySelector('offload-progress'); piece.remove()")
    with page.expect_request("**/progress/**"):
        page.evaluate("document.querySelector('main').append(piece.cloneNode(true))")
    page.evaluate("document.querySelector('offload-progress').remove()")
    asked = len(visitor.polls)
    page.wait_for_timeout(2500)

    assert len(visitor.polls) == asked
    taken_away = page.evaluate("window.piece.querySelector('.offload-text').textContent")
    assert taken_away in {"Waiting to start", "Running"}, "nothing went wrong, it was taken away"


def test_a_template_of_the_site_that_prints_the_link_is_polled_without_the_token_in_it(
    visitor: Visitor, visit: Callable[..., Visitor], site: Site
):
    start(visitor)
    task_id = visitor.page.url.rstrip("/").rpartition("/")[2]
    token = visitor.page.locator("offload-progress").get_attribute("data-token")
    stranger = visit()
    # As templates did before there was a header.
    stranger.page.evaluate(
        """([url, id]) => {
            const link = document.createElement("script");
            link.type = "module";
            link.src = "/static/django_offload/progress.js";
            const piece = document.createElement("offload-progress");
            piece.dataset.url = url;
            piece.dataset.taskId = id;
            for (const name of ["offload-text", "offload-bar"]) {
                piece.append(Object.assign(document.createElement("p"), { className: name }));
            }
            piece.querySelector(".offload-text").setAttribute("role", "status");
            document.querySelector("main").append(link, piece);
        }""",
        [f"/tasks/{task_id}/progress/?token={token}", task_id],
    )
    site.allow(ALL)

    expect(text(stranger.page)).to_have_text("Done", timeout=PATIENCE_MS)
    assert {poll.headers["x-offload-token"] for poll in stranger.polls} == {token}
