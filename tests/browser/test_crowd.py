"""What other visitors notice: eight of them run the work on a server of four threads."""

from playwright.sync_api import expect

from tests.browser.first_page import WAYS, let_visitors_in
from tests.browser.visitor import PATIENCE_MS, Visitor


def test_a_trivial_page_comes_within_a_tenth_of_the_time_while_others_offload(visitor: Visitor):
    found = let_visitors_in(visitor)

    assert found["request"]["median"] > 1_000, "too little work for anybody to wait"
    assert found["offload"]["median"] <= found["request"]["median"] / 10
    for way in WAYS:
        pages = int(found[way]["probes"])
        assert pages >= 3
        expect(visitor.page.locator(f"[data-crowd-chart] .probe.{way}")).to_have_count(pages)


def test_no_verdict_is_given_where_visitors_went_without_a_report(visitor: Visitor):
    visitor.goto("/")
    visitor.page.route("**/visitors/", lambda route: route.fulfill(status=202, json={}))
    visitor.page.route(
        "**/visitors/page/*",
        lambda route: route.fulfill(headers={"Visitors-Waiting": "0", "Visitors-Refused": "3"}),
    )

    visitor.page.click("[data-let-in]")

    verdict = visitor.page.locator("[data-crowd-verdict]")
    expect(verdict).to_contain_text("3 of 8 visitors got no report.", timeout=PATIENCE_MS)
    expect(visitor.page.locator("#crowd [data-crowd-metric=median]").first).to_have_text("–")


def test_no_verdict_is_given_where_a_page_was_an_error(visitor: Visitor):
    visitor.goto("/")
    visitor.page.route("**/visitors/", lambda route: route.fulfill(status=202, json={}))
    visitor.page.route("**/visitors/page/*", lambda route: route.fulfill(status=429))

    visitor.page.click("[data-let-in]")

    verdict = visitor.page.locator("[data-crowd-verdict]")
    expect(verdict).to_contain_text("A page answered 429.", timeout=PATIENCE_MS)
    expect(visitor.page.locator("#crowd [data-crowd-metric=took]").first).to_have_text("–")


def test_one_crowd_at_a_time(visitor: Visitor):
    visitor.goto("/")
    visitor.page.route(
        "**/visitors/", lambda route: route.fulfill(status=409, json={"problem": "Others are here still."})
    )

    visitor.tab_to(visitor.page.locator("[data-let-in]"))
    visitor.page.keyboard.press("Enter")

    expect(visitor.page.locator("[data-crowd-verdict]")).to_have_text("Others are here still.")
    expect(visitor.page.locator("[data-let-in]")).to_be_enabled()
