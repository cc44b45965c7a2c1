"""One visitor: a browser context of its own, which notes everything that goes wrong."""

import re
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Request, expect

# A worker's first task waits for its process to start; the rest is the work.
PATIENCE_MS = 60_000
# More than any page of these tests has of what can be reached by Tab.
MOST_TABS = 80
DURATION = re.compile(r"\d m?s$")
# A page without scripts is asked again and again; a task of these tests is at its end long before.
MOST_REFRESHES = 300
# Chromium says so on the console of every page that was answered 4xx; the status is asserted on its own.
STATUS_NOTE = "Failed to load resource: the server responded with a status of 4"
# So it does of AWS's failures and of lost connections, which only some tests bring about.
AWAY_NOTE = "Failed to load resource: "

# What scripts and htmx fetch, and what none of their addresses may have.
SCRIPTED = {"fetch", "xhr"}
TOKEN = re.compile("[?&]token=")

# Runs in the page, before anything of its own: what the panel showed, one after the other.
WATCH = """
window.seen = [];
addEventListener("DOMContentLoaded", () => {
  const panel = document.querySelector("[data-task]");
  if (!panel) return;
  const note = () => window.seen.push({
    status: panel.dataset.status,
    attempts: Number(panel.dataset.attempts),
    percent: Number(panel.querySelector("[role=progressbar]").getAttribute("aria-valuenow")),
    failures: panel.querySelectorAll("[data-failures] li").length,
    arrived: panel.querySelectorAll("[data-arrived]").length,
    message: panel.querySelector("[data-field=message]").textContent,
  });
  note();
  new MutationObserver(note).observe(panel, { attributes: true, childList: true, subtree: true });
});
"""


# Runs in the page: it gives up on an answer a hundred times sooner.
IMPATIENT = "AbortSignal.timeout = ((wait) => (ms) => wait.call(AbortSignal, ms / 100))(AbortSignal.timeout);"


def milliseconds(text: str) -> float:
    """Return a duration as the pages write it: 7,026 ms, or 10.6 s."""
    number, unit = text.replace(",", "").split()
    return float(number) * {"ms": 1, "s": 1_000}[unit]


class Visitor:
    """Somebody at the site, with cookies of their own."""

    def __init__(self, browser: Browser, address: str, **context: Any) -> None:
        self.context = browser.new_context(**{"base_url": address, **context})
        self.away = False  # True while answers are to fail.
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(WATCH)
        self.problems: list[str] = []
        self.polls: list[Request] = []
        self.page: Page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._request)

    def _console(self, message: Any) -> None:
        expected = AWAY_NOTE if self.away else STATUS_NOTE
        if message.type in {"error", "warning"} and not message.text.startswith(expected):
            self.problems.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        if "/tasks/" in request.url:
            self.polls.append(request)
        if request.resource_type in SCRIPTED and TOKEN.search(request.url):
            self.problems.append(f"a script put a token into the address {request.url}")

    def goto(self, path: str) -> int:
        """Open a page and return its status."""
        answer = self.page.goto(path)
        assert answer is not None
        return answer.status

    def press(self, way: str) -> int:
        """Press the button of the form of a way and return the status of the answer."""
        with self.page.expect_navigation() as navigation:
            self.page.click(f"form[data-run={way}] button[type=submit]")
        answer = navigation.value
        assert answer is not None
        return answer.status

    def refresh(self) -> None:
        """Follow the page's Refresh link, as who has no scripts does, until a page offers it no more.

        Each click waits for the page it leads to: on one half read, a link yet to come looks gone.
        """
        link = self.page.get_by_role("link", name="Refresh", exact=True)
        for _ in range(MOST_REFRESHES):
            if not link.is_visible():
                return
            with self.page.expect_navigation():
                link.click()
        raise AssertionError(f"{MOST_REFRESHES} refreshes do not lead to the end.")

    def tab_to(self, element: Locator) -> None:
        """Press Tab until an element has the focus, as who has no mouse does."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if element.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"{MOST_TABS} times Tab do not lead to {element}.")

    def hide(self, hidden: bool) -> None:
        """Put another tab before this one, or this one in front again."""
        self.page.evaluate(
            """hidden => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
            }""",
            hidden,
        )

    def await_status(self, status: str) -> None:
        expect(self.page.locator(f"[data-task][data-status={status}]")).to_be_visible(timeout=PATIENCE_MS)

    def seen(self, what: str) -> list[Any]:
        """Return the values that one part of the panel had, without repetitions."""
        values = [entry[what] for entry in self.page.evaluate("window.seen")]
        return [value for index, value in enumerate(values) if index == 0 or value != values[index - 1]]

    def measured(self, way: str, metric: str) -> float:
        """Return what the page's table says, once it says something."""
        cell = self.cell(way, metric)
        expect(cell).to_contain_text(DURATION, timeout=PATIENCE_MS)
        return milliseconds(cell.inner_text())

    def cell(self, way: str, metric: str) -> Locator:
        """Return a cell of the page's table."""
        return self.page.locator(f"#comparison [data-way={way}][data-metric={metric}]")
