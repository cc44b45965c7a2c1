"""Each visitor sees only their own; phones see all of it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.first_page import measured, pretend
from tests.browser.visitor import Visitor

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def make_report(visitor: Visitor) -> str:
    visitor.goto("/reports/")
    visitor.page.select_option("select[name=orders]", "50000")
    visitor.press("offload")
    visitor.await_status("SUCCESSFUL")
    expect(visitor.page.locator("[data-result]")).to_be_visible()
    return visitor.page.url


def test_a_visitor_sees_nothing_of_another(visit: Callable[..., Visitor]):
    owner, other = visit(), visit()
    address = make_report(owner)
    hidden = [
        address,
        *(
            owner.page.locator(selector).get_attribute(attribute) or ""
            for selector, attribute in [
                ("[data-task]", "data-status-url"),
                ("[data-download=csv]", "href"),
                ("img.chart", "src"),
            ]
        ),
    ]

    assert [owner.context.request.get(path).status for path in hidden] == [200] * 4
    other.goto("/reports/")
    assert [other.context.request.get(path).status for path in hidden] == [404] * 4
    assert other.goto(address) == 404
    other.goto("/reports/")
    expect(other.page.locator(".runs a")).to_have_count(0)


def test_a_visitor_finds_a_report_again(visitor: Visitor):
    address = make_report(visitor)

    visitor.goto("/reports/")
    visitor.page.click(".runs a")

    assert visitor.page.url == address
    expect(visitor.page.locator("[data-result]")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_a_phone(visit: Callable[..., Visitor], scheme: str):
    visitor = visit(**PHONE, color_scheme=scheme)
    report = make_report(visitor)

    pretend(visitor, request=measured(9_000, 2_700, 2_500, 40), offload=measured(20, 90, 90, 30))
    words = visitor.page.locator(".gauge text")
    expect(words).to_have_count(8)
    edges = words.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())")
    assert all(edge["left"] >= 0 and edge["right"] <= 390 for edge in edges), edges
    for path in ("/", "/reports/", "/photos/", "/mandelbrot/", "/retries/", report):
        visitor.goto(path)
        width = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert width == 390, f"{path} is {width} px wide"


def test_dark_and_light_pages_differ(visit: Callable[..., Visitor]):
    grounds = []
    for scheme in ("light", "dark"):
        visitor = visit(color_scheme=scheme)
        visitor.goto("/")
        grounds.append(visitor.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert grounds[0] != grounds[1]
