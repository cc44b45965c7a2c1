"""How pieces look: wide and narrow, light and dark, to axe-core, and by keyboard."""

from collections.abc import Callable
from itertools import product

from playwright.sync_api import Page, expect

from tests.browser.pieces.site import ALL, Site
from tests.browser.pieces.test_progress import PATIENCE_MS, bar, start, text
from tests.browser.pieces.test_starting import press
from tests.browser.test_accessibility import found_by_axe
from tests.browser.visitor import Visitor

TINTS = """() => {
    const tint = (of) => getComputedStyle(document.querySelector(of)).color;
    return [tint("body"), tint("offload-progress progress"), tint("offload-progress .offload-text")];
}"""


def judged(visitor: Visitor) -> list[str]:
    """Return what is wrong with the page that is open: found by axe, or wider than the window."""
    found = []
    for scheme, width in product(("light", "dark"), (1280, 390)):
        visitor.page.emulate_media(color_scheme=scheme)
        visitor.page.set_viewport_size({"width": width, "height": 844})
        wide = visitor.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        wrong = found_by_axe(visitor) + [f"{visitor.page.url} is wider than the window"] * wide
        found += [f"{scheme}, {width} pixels: {what}" for what in wrong]
    return found


def test_axe_finds_nothing_serious_wide_or_narrow_light_or_dark(visitor: Visitor, site: Site):
    page = visitor.page
    start(visitor)
    found = judged(visitor)
    site.allow(2)
    expect(page.get_by_text("Month 2 of 2026")).to_be_visible(timeout=PATIENCE_MS)
    found += judged(visitor)
    site.allow(ALL)
    expect(text(page)).to_have_text("Done", timeout=PATIENCE_MS)
    found += judged(visitor)
    visitor.goto("/plain/")
    press_start(page, "1999")
    found += judged(visitor)
    press_start(page, "2099")
    expect(text(page)).to_have_text("Failed", timeout=PATIENCE_MS)
    found += judged(visitor)
    visitor.goto("/busy/")
    press_start(page, "2050")
    expect(page.get_by_role("alert")).to_have_text("Too many requests. Try again in 90 seconds.")
    found += judged(visitor)

    assert not found, "\n".join(found)


def press_start(page: Page, year: str) -> None:
    """Fill in the form of the library's own page, past what the browser itself would refuse."""
    page.get_by_label("Year").fill(year)
    page.locator("form").evaluate("(form) => { form.noValidate = true; }")
    with page.expect_navigation():
        page.get_by_role("button", name="Start").click()


def test_colours_are_those_of_the_page(visit: Callable[..., Visitor]):
    light, dark = visit(color_scheme="light"), visit(color_scheme="dark")
    for visitor in (light, dark):
        visitor.goto("/reports/")
        press(visitor, "2050", "1")
    in_light, in_dark = (visitor.page.evaluate(TINTS) for visitor in (light, dark))

    for body, piece, words in (in_light, in_dark):
        assert words == body
        assert piece != body
    assert in_light[1] != in_dark[1]
    dark.page.evaluate("document.documentElement.style.colorScheme = 'light'")
    assert dark.page.evaluate(TINTS)[1] == in_light[1], "a page that is light stays so"
    dark.page.evaluate("document.documentElement.style.setProperty('--offload-accent', 'rgb(1, 2, 3)')")
    assert dark.page.evaluate(TINTS)[1] == "rgb(1, 2, 3)"


def test_by_keyboard_alone(visitor: Visitor):
    page = visitor.page
    visitor.goto("/reports/")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Year")).to_be_focused()
    page.keyboard.type("2050")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Build it")).to_be_focused()
    page.keyboard.press("Enter")

    expect(text(page)).to_have_text("Done", timeout=PATIENCE_MS)
    expect(bar(page)).to_have_attribute("aria-valuenow", "100")


def test_nothing_moves_while_a_task_goes_on(visitor: Visitor, site: Site):
    visitor.page.add_init_script(
        """window.shifts = 0;
        const add = (entry) => (window.shifts += entry.value);
        new PerformanceObserver((list) => list.getEntries().forEach(add))
            .observe({ type: "layout-shift", buffered: true });"""
    )
    start(visitor)
    visitor.page.evaluate("document.querySelector('main').append('What stands below')")
    site.allow(ALL)
    expect(text(visitor.page)).to_have_text("Done", timeout=PATIENCE_MS)

    assert visitor.page.evaluate("window.shifts") < 0.01
