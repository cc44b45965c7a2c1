"""The first page: the same report in the request and offloaded, as the browser measures it."""

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

BEST_OF = 3


def run(visitor: Visitor, way: str, orders: str = "200000") -> float:
    """Make a report one way and return the time to first byte that the page shows of it."""
    visitor.goto("/")
    visitor.page.select_option(f"form[data-run={way}] select[name=orders]", orders)
    assert visitor.press(way) == (202 if way == "offload" else 200)
    measured = visitor.measured(way, "ttfb")
    visitor.measured(way, "ready")
    return measured


def test_the_offloaded_answer_comes_within_a_tenth_of_the_time(visitor: Visitor):
    offloaded = min(run(visitor, "offload") for _ in range(BEST_OF))
    in_request = min(run(visitor, "request") for _ in range(BEST_OF))

    assert in_request > 1_000, "too little work to compare anything"
    assert offloaded <= in_request / 10
    expect(visitor.page.locator("#verdict")).to_contain_text("times sooner")


def test_the_table_tells_what_each_way_took_and_keeps_it(visitor: Visitor):
    run(visitor, "offload", "50000")
    run(visitor, "request", "50000")
    visitor.goto("/")

    for way in ("offload", "request"):
        ttfb, painted, ready = (visitor.measured(way, metric) for metric in ("ttfb", "painted", "ready"))
        assert 0 < ttfb < painted <= ready
        orders = visitor.page.locator(f"#comparison [data-way={way}][data-metric=orders]")
        expect(orders).to_have_text("50,000")

    visitor.page.select_option("form[data-run=offload] select[name=orders]", "200000")
    visitor.press("offload")
    expect(visitor.page.locator("#verdict")).to_contain_text("the same number of orders")


@pytest.mark.parametrize("way", ["offload", "request"])
def test_a_reload_measures_nothing_anew(visitor: Visitor, way: str):
    run(visitor, way, "50000")
    painted, ready = visitor.measured(way, "painted"), visitor.measured(way, "ready")

    visitor.page.reload()

    expect(visitor.page.locator("[data-result]")).to_be_visible()
    assert (visitor.measured(way, "painted"), visitor.measured(way, "ready")) == (painted, ready)
