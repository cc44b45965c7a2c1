"""What other visitors feel: eight of them run the work, on a server of four threads."""

from playwright.sync_api import expect

from tests.browser.first_page import WAYS, let_visitors_in
from tests.browser.visitor import Visitor


def test_a_trivial_page_comes_within_a_tenth_of_the_time_while_others_offload(visitor: Visitor):
    found = let_visitors_in(visitor)

    assert found["request"]["median"] > 1_000, "too little work for anybody to wait"
    assert found["offload"]["median"] <= found["request"]["median"] / 10
    for way in WAYS:
        pages = int(found[way]["probes"])
        assert pages >= 3
        expect(visitor.page.locator(f"[data-crowd-chart] .probe.{way}")).to_have_count(pages)


def test_one_crowd_at_a_time(visitor: Visitor):
    visitor.goto("/")
    visitor.page.route(
        "**/visitors/", lambda route: route.fulfill(status=409, json={"problem": "Others are here still."})
    )

    visitor.tab_to(visitor.page.locator("[data-let-in]"))
    visitor.page.keyboard.press("Enter")

    expect(visitor.page.locator("[data-crowd-verdict]")).to_have_text("Others are here still.")
    expect(visitor.page.locator("[data-let-in]")).to_be_enabled()
