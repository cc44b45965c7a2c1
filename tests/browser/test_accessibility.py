"""What axe-core finds on the pages, wide and narrow, light and dark."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.first_page import measured, pretend
from tests.browser.judges import package
from tests.browser.visitor import Visitor

# What axe calls by these names keeps somebody from using the page.
GRAVE = {"serious", "critical"}
PATHS = ("/", "/reports/", "/photos/", "/mandelbrot/", "/retries/", "/nothing/")


def found_by_axe(visitor: Visitor) -> list[str]:
    """Return what axe-core finds serious on the page that is open."""
    # As from the developer's console: the page's own policy keeps scripts of others out.
    visitor.page.evaluate((package("axe-core") / "axe.min.js").read_text())
    violations = visitor.page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{visitor.page.url}: {violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in violations
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Callable[..., Visitor], scheme: str, width: int):
    visitor = visit(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=False)
    found = []

    for path in PATHS:
        visitor.goto(path)
        found += found_by_axe(visitor)
    visitor.goto("/reports/")
    visitor.page.select_option("select[name=orders]", "50000")
    visitor.press("offload")
    found += found_by_axe(visitor)
    visitor.await_status("SUCCESSFUL")
    expect(visitor.page.locator("[data-result]")).to_be_visible()
    found += found_by_axe(visitor)
    pretend(visitor, request=measured(2400, 2600, 2700, 40), offload=measured(20, 90, 90, 30))
    found += found_by_axe(visitor)

    assert not found, "\n".join(found)


def test_axe_would_find_something(visitor: Visitor):
    visitor.goto("/")
    visitor.page.evaluate(
        "document.querySelector('#main').insertAdjacentHTML('beforeend', '<img src=x.png>')"
    )

    assert any("image-alt" in line for line in found_by_axe(visitor))
