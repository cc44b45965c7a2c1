"""The Mandelbrot picture: tiles that fill in as they finish, over a reload, until somebody cancels it."""

import re

from playwright.sync_api import expect

from tests.browser.visitor import PATIENCE_MS, Visitor

TILES = 40


def draw(visitor: Visitor, place: str = "whole") -> None:
    visitor.goto("/mandelbrot/")
    visitor.page.select_option("select[name=place]", place)
    assert visitor.press("picture") == 202
    expect(visitor.page).to_have_url(re.compile(r"/mandelbrot/[0-9a-f]{32}/$"))


def test_tiles_fill_in_as_they_finish_and_go_on_over_a_reload(visitor: Visitor):
    draw(visitor)
    arrived = visitor.page.locator("[data-arrived]")
    expect(arrived.nth(2)).to_be_visible(timeout=PATIENCE_MS)
    before = visitor.seen("arrived")
    assert before == sorted(before)
    assert before[0] == 0

    visitor.page.reload()
    visitor.await_status("SUCCESSFUL")

    expect(arrived).to_have_count(TILES)
    after = visitor.seen("arrived")
    assert after == sorted(after)
    for tile in (0, TILES - 1):
        expect(arrived.nth(tile)).to_have_js_property("naturalWidth", 90)
    expect(visitor.page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "100")


def test_a_picture_can_be_cancelled_by_the_keyboard_alone(visitor: Visitor):
    draw(visitor, "spiral")

    visitor.tab_to(visitor.page.locator("[data-cancel]"))
    visitor.page.keyboard.press("Enter")

    visitor.await_status("FAILED")
    expect(visitor.page.locator("[data-failed]")).to_contain_text("cancelled")
    assert visitor.page.locator("[data-arrived]").count() < TILES
    visitor.page.reload()
    expect(visitor.page.locator("[data-failed]")).to_contain_text("cancelled")


def test_nothing_moves_for_who_asked_for_that(visit):
    visitor = visit(reduced_motion="reduce")
    draw(visitor)

    moving = visitor.page.locator("*").evaluate_all(
        "all => all.filter(one => getComputedStyle(one).transitionDuration !== '0s'"
        " || getComputedStyle(one).animationName !== 'none').length"
    )

    assert moving == 0
