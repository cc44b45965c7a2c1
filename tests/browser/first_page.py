"""The first page's own measurements, made by a visitor and read off the page."""

import json

from playwright.sync_api import expect

from tests.browser.visitor import PATIENCE_MS, Visitor, milliseconds

WAYS = ("request", "offload")
METRICS = ("ttfb", "painted", "fcp", "lcp", "inp")
KEPT = "offload-comparison"


def run(visitor: Visitor, way: str, orders: str = "200000") -> dict[str, float]:
    """Make a report one way and return what the page's table says of it, in milliseconds."""
    visitor.goto("/")
    visitor.page.select_option(f"form[data-run={way}] select[name=orders]", orders)
    assert visitor.press(way) == (202 if way == "offload" else 200)
    visitor.measured(way, "ready")
    return {metric: visitor.measured(way, metric) for metric in METRICS}


def processing(visitor: Visitor, way: str) -> float:
    """Return how long the server had the request of a way, in milliseconds, as the page draws it."""
    part = visitor.page.locator(f"[data-timeline-way={way}][data-part=server]")
    return float(part.get_attribute("data-ms") or 0)


def let_visitors_in(visitor: Visitor, orders: str = "50000") -> dict[str, dict[str, float]]:
    """Have others run reports, and return what the page's second table says of either way."""
    visitor.goto("/")
    visitor.page.select_option("[data-crowd-orders]", orders)
    visitor.page.click("[data-let-in]")
    verdict = visitor.page.locator("[data-crowd-verdict]")
    expect(verdict).to_contain_text("times as long", timeout=3 * PATIENCE_MS)
    return {way: {metric: _crowd(visitor, way, metric) for metric in ("probes", "median")} for way in WAYS}


def _crowd(visitor: Visitor, way: str, metric: str) -> float:
    cell = visitor.page.locator(f"#crowd [data-crowd-way={way}][data-crowd-metric={metric}]")
    text: str = cell.inner_text()
    return float(text) if metric == "probes" else milliseconds(text)


def pretend(visitor: Visitor, **ways: dict[str, float]) -> None:
    """Open the first page as if the browser had measured these values."""
    visitor.goto("/")
    visitor.page.evaluate(f"kept => sessionStorage.setItem('{KEPT}', kept)", json.dumps(ways))
    visitor.goto("/")


def measured(
    ttfb: float, fcp: float, lcp: float | None, inp: float | None, orders: int = 50_000
) -> dict[str, float]:
    """Return what a browser may have measured, in milliseconds; None for what it does not tell."""
    told = {"ttfb": ttfb, "fcp": fcp, "lcp": lcp, "inp": inp, "orders": orders}
    return {metric: value for metric, value in told.items() if value is not None}
