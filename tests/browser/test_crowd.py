"""What other visitors feel: eight of them run the work, on a server of four threads."""

from playwright.sync_api import expect

from tests.browser.visitor import PATIENCE_MS, Visitor


def crowd(visitor: Visitor, way: str, metric: str) -> float:
    cell = visitor.page.locator(f"#crowd [data-crowd-way={way}][data-crowd-metric={metric}]")
    return float(cell.inner_text().removesuffix(" ms"))


def test_a_trivial_page_comes_within_a_tenth_of_the_time_while_others_offload(visitor: Visitor):
    visitor.goto("/")
    visitor.page.select_option("[data-crowd-orders]", "50000")

    visitor.page.click("[data-let-in]")
    expect(visitor.page.locator("[data-crowd-verdict]")).to_contain_text(
        "times as long", timeout=3 * PATIENCE_MS
    )

    assert crowd(visitor, "request", "median") > 1_000, "too little work for anybody to wait"
    assert crowd(visitor, "offload", "median") <= crowd(visitor, "request", "median") / 10
    for way in ("request", "offload"):
        pages = crowd(visitor, way, "probes")
        assert pages >= 3
        expect(visitor.page.locator(f"[data-crowd-chart] .probe.{way}")).to_have_count(int(pages))


def test_one_crowd_at_a_time(visitor: Visitor):
    visitor.goto("/")
    visitor.page.route(
        "**/visitors/", lambda route: route.fulfill(status=409, json={"problem": "Others are here still."})
    )

    visitor.page.click("[data-let-in]")

    expect(visitor.page.locator("[data-crowd-verdict]")).to_have_text("Others are here still.")
    expect(visitor.page.locator("[data-let-in]")).to_be_enabled()
