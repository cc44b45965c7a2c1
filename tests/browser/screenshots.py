"""Every page, wide and narrow, light and dark, for somebody to look at: `make screenshots` draws them."""

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.board import BOARD, let_in
from tests.browser.conftest import chromium
from tests.browser.demo import ROOT, Demo
from tests.browser.first_page import let_visitors_in, run
from tests.browser.pieces.site import ALL, Site
from tests.browser.pieces.test_looks import press_start
from tests.browser.pieces.test_progress import start, text
from tests.browser.pieces.test_starting import press
from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.unit.lab.images import noise

FOLDER = ROOT / ".cache" / "screens"
WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
HEIGHT = 900


def of_the_site(visitor: Visitor, folder: Path) -> Iterator[str]:
    """Go from page to page of the site, and name each."""
    yield from _first_page(visitor)
    visitor.goto("/reports/")
    yield "reports"
    visitor.goto("/photos/")
    visitor.page.set_input_files("input[type=file]", _photo(folder, b"This is a letter."))
    visitor.press("photo")
    yield "photos-refused"
    visitor.goto("/photos/")
    yield "photos"
    visitor.page.set_input_files("input[type=file]", _photo(folder, noise(2400, 1800)))
    visitor.press("photo")
    visitor.await_status("SUCCESSFUL")
    yield "photo"
    visitor.goto("/mandelbrot/")
    yield "mandelbrot"
    visitor.press("picture")
    visitor.await_status("SUCCESSFUL")
    yield "mandelbrot-drawn"
    visitor.goto("/retries/")
    yield "retries"
    visitor.page.select_option("select[name=failures]", "3")
    visitor.press("rates")
    visitor.await_status("FAILED")
    yield "rates-failed"
    visitor.goto("/nothing/")
    yield "nothing-there"


def _first_page(visitor: Visitor) -> Iterator[str]:
    visitor.goto("/")
    yield "first-page-before"
    run(visitor, "request")
    yield "answer-in-the-request"
    run(visitor, "offload")
    visitor.await_status("SUCCESSFUL")
    yield "answer-offloaded"
    let_visitors_in(visitor)
    yield "first-page"


def _photo(folder: Path, data: bytes) -> Path:
    file = folder / "photo.jpg"
    file.write_bytes(data)
    return file


def of_the_board(visitor: Visitor, demo: Demo) -> Iterator[str]:
    """Go from page to page of the board, and name each."""
    let_in(visitor, demo)
    made = demo.run("tests.browser.states")
    pages = {
        "index": "/admin/",
        "under-way": BOARD,
        "deferred": f"{BOARD}?list=deferred",
        "all": f"{BOARD}?list=all",
        "failed": f"{BOARD}?list=failed",
        "dead": f"{BOARD}?list=dead",
        "none-found": f"{BOARD}?list=failed&name=nothing",
        "queues": f"{BOARD}queues/",
        "schedules": f"{BOARD}schedules/",
        "unreadable": f"{BOARD}unreadable/",
        "history": f"{BOARD}{made['FAILED']}/history/",
        **{f"task-{state.lower().replace(' ', '-')}": f"{BOARD}{of}/change/" for state, of in made.items()},
    }
    for name, path in pages.items():
        visitor.goto(path)
        yield f"board-{name}"
    visitor.goto(f"{BOARD}{made['FAILED']}/change/")
    visitor.page.get_by_role("button", name="Discard…").click()
    yield "board-confirm"


def of_the_pieces(visitor: Visitor, site: Site) -> Iterator[str]:
    """Go through what progress_on_a_page.md puts on a page, and name each state."""
    page = visitor.page
    visitor.goto("/")
    site.allow(2)
    start(visitor)
    expect(page.get_by_text("Month 2 of 2026")).to_be_visible(timeout=PATIENCE_MS)
    yield "piece-running"
    site.allow(ALL)
    expect(text(page)).to_have_text("Done", timeout=PATIENCE_MS)
    yield "piece-done"
    visitor.goto("/reports/")
    yield "form"
    press(visitor, "2099", "1")
    expect(text(page)).to_have_text("Failed", timeout=PATIENCE_MS)
    yield "piece-failed"
    visitor.goto("/plain/")
    yield "trigger"
    visitor.goto("/busy/")
    press_start(page, "2050")
    yield "throttled"


def draw(visitor: Visitor, pages: Iterator[str], folder: Path) -> None:
    """Draw each page in every look, and say which are wider than their window."""
    page = visitor.page
    for name in pages:
        for width, scheme in product(WIDTHS, SCHEMES):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            # What draws itself anew does so in the next frame.
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.screenshot(
                path=folder / f"{name}-{width}-{scheme}.png", full_page=True, animations="disabled"
            )
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                print(f"{name} is wider than {width} pixels.")
        page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
        page.emulate_media(color_scheme="light")


def main() -> int:
    """Draw every page into a folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("--into", type=Path, default=FOLDER, help="The folder (.cache/screens).")
    folder: Path = parser.parse_args().into
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as kept, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        _visit_all(browser, Path(kept), folder)
        browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures are in {folder}: look at each.")
    return 0


def _visit_all(browser: Browser, kept: Path, folder: Path) -> None:
    demo = Demo(kept, DJANGO_SETTINGS_MODULE="tests.browser.scheduled_site")
    site = Site(kept / "pages")
    demo.start()
    try:
        visitor = Visitor(browser, demo.address)
        draw(visitor, of_the_site(visitor, kept), folder)
        draw(visitor, of_the_board(visitor, demo), folder)
    finally:
        demo.end()
    site.start()
    try:
        visitor = Visitor(browser, site.address)
        draw(visitor, of_the_pieces(visitor, site), folder)
    finally:
        site.end()


if __name__ == "__main__":
    sys.exit(main())
