"""The built site of the pages, read in the browser: make check opens every page, and searches."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.conftest import chromium

SIZES = ((1280, 900), (390, 844))
# What is searched for, and a page that must be among what is found.
SEARCHES = {
    "max_concurrency": "Settings",
    "redrive": "Dead letters",
    "OFFLOAD_SECRETS": "Environment variables",
    "django_offload.E011": "Checks",
    "htmx": "Progress on a page",
}
# Cells that stand below each other without the heading of their column, in a window too narrow for the table.
UNNAMED_CELLS = """
    [...document.querySelectorAll("table.docutils")]
        .filter(table => getComputedStyle(table).display === "block" && table.tHead.rows[0].cells.length > 2)
        .flatMap(table => [...table.querySelectorAll("td:not(:first-child)")])
        .filter(cell => cell.innerText.trim())
        .filter(cell => cell.closest("table").tHead.rows[0].cells[cell.cellIndex].textContent.trim())
        .filter(cell => !cell.querySelector(".heading")?.getClientRects().length)
        .map(cell => cell.innerText)
"""
# Has its heading once something is searched for.
SEARCH = "search.html"
PATIENCE_MS = 30_000
# Lies below an address of its own, as on a host that serves several sites: no path may begin at the top.
PREFIX = "/some/where/"


class Handler(SimpleHTTPRequestHandler):
    """Serve the site as any static host does, below PREFIX."""

    def translate_path(self, path: str) -> str:
        if not path.startswith(PREFIX):
            return str(Path(self.directory) / "nothing-is-here")
        return super().translate_path("/" + path.removeprefix(PREFIX))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, its name there
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, and yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    finally:
        server.shutdown()
        server.server_close()


class Reader:
    """A browser that notes every request to elsewhere, every failed one and every error."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address, self.problems = address, list[str]()
        self.page: Page = browser.new_page()
        self.page.on("request", lambda request: self._check_origin(request.url))
        self.page.on("response", lambda answer: self._note(answer.status >= 400, f"{answer.url} is missing"))
        self.page.on("pageerror", lambda error: self._note(True, f"a script fails: {error}"))
        self.page.on("console", self._check_console)

    def _check_origin(self, url: str) -> None:
        self._note(not url.startswith((self.address, "data:")), f"it asks {url}")

    def _check_console(self, said: ConsoleMessage) -> None:
        # Chromium itself asks for one at the top of the host, which isn't ours.
        favicon = said.location["url"].endswith("/favicon.ico")
        self._note(said.type == "error" and not favicon, f"the console says {said.text}")

    def _note(self, wrong: bool, what: str) -> None:
        if wrong:
            self.problems.append(f"{self.page.url.removeprefix(self.address)}: {what}")

    def read(self, name: str, into: Path | None) -> None:
        """Open a page in every size; it may not be wider than its window."""
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.goto(self.address + name)
            has_heading = name == SEARCH or self.page.locator("h1").first.is_visible()
            self._note(not has_heading, "it has no heading")
            wide = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
            self._note(wide, f"it is wider than {width} pixels")
            for text in self.page.evaluate(UNNAMED_CELLS):
                self._note(True, f"the cell {text!r} doesn't say which column it is of, at {width} pixels")
            if into is not None:
                picture = name.replace("/", "-").removesuffix(".html")
                self.page.screenshot(path=into / f"{picture}-{width}.png", full_page=True)

    def search(self, words: str, title: str) -> None:
        """Type words into the search field, and expect a page among what is found."""
        self.page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
        self.page.goto(self.address + "index.html")
        self.page.get_by_role("textbox", name="Search").fill(words)
        self.page.keyboard.press("Enter")
        found = self.page.locator("#search-results a").filter(has_text=title).first
        try:
            expect(found).to_be_visible(timeout=PATIENCE_MS)
            with self.page.expect_navigation():
                found.click()
            expect(self.page.locator("h1").first).to_contain_text(title)
        except AssertionError:
            self._note(True, f"searching {words} doesn't find {title}")


def look(folder: Path, into: Path | None) -> list[str]:
    """Read every page of a site and search it, and return what is wrong."""
    with served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        reader = Reader(browser, address)
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
        for name in names:
            reader.read(name, into)
        for words, title in SEARCHES.items():
            reader.search(words, title)
        browser.close()
    print(f"{len(names)} pages were read at {len(SIZES)} widths, and {len(SEARCHES)} searches were made.")
    return reader.problems


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.documentation", description=__doc__)
    parser.add_argument("folder", type=Path, help="The folder of the site.")
    parser.add_argument("--into", type=Path, help="A folder for a picture of each page.")
    options = parser.parse_args()
    if options.into is not None:
        options.into.mkdir(parents=True, exist_ok=True)
    problems = look(options.folder, options.into)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
