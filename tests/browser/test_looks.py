"""Pages that show what work has made, judged wide and narrow, light and dark."""

from pathlib import Path

from playwright.sync_api import expect

from tests.browser.first_page import run
from tests.browser.pieces.test_looks import judged
from tests.browser.visitor import Visitor
from tests.unit.lab.images import photo

# A line's own height apart, what follows it is no part of it.
LEAST_GAP = 12


def test_the_answer_in_the_request(visitor: Visitor):
    run(visitor, "request", "50000")

    assert judged(visitor) == []
    said, result = (visitor.page.locator(of).bounding_box() for of in ("[data-answered]", "[data-result]"))
    assert said is not None
    assert result is not None
    assert result["y"] - (said["y"] + said["height"]) >= LEAST_GAP


def test_a_photo_and_its_renditions(visitor: Visitor, tmp_path: Path):
    file = tmp_path / "photo.jpg"
    file.write_bytes(photo())
    visitor.goto("/photos/")
    visitor.page.set_input_files("input[type=file]", file)
    visitor.press("photo")
    visitor.await_status("SUCCESSFUL")
    expect(visitor.page.locator("[data-arrived]")).to_have_count(5)

    assert judged(visitor) == []


def test_a_picture_of_tiles(visitor: Visitor):
    visitor.goto("/mandelbrot/")
    visitor.press("picture")
    visitor.await_status("SUCCESSFUL")

    assert judged(visitor) == []


def test_the_chart_of_what_others_feel(visitor: Visitor):
    # How it looks does not depend on how long they wait: nobody is let in, and the pages come at once.
    visitor.page.route("**/visitors/", lambda route: route.fulfill(status=202, json={"visitors": 8}))
    visitor.goto("/")
    visitor.page.click("[data-let-in]")
    expect(visitor.page.locator("[data-crowd-chart] .probe.offload").first).to_be_visible()
    expect(visitor.page.locator("[data-let-in]")).to_be_enabled()

    assert judged(visitor) == []
