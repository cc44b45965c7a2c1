"""What a newcomer does with a mouse: every way of everyday_tasks.md is gone, and its clicks are counted."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.board import BOARD, let_in
from tests.browser.demo import Demo
from tests.browser.visitor import PATIENCE_MS, Visitor
from tests.docs.pages import DOCS, sections

PAGE = DOCS / "how_to" / "everyday_tasks.md"
MOST_CLICKS = 3
STARTS = {
    "the first page": "/",
    "the board": BOARD,
    "the list of failed tasks": f"{BOARD}?list=failed",
    "the list of dead letters": f"{BOARD}?list=dead",
}
(SECTION,) = [one for one in sections(PAGE) if one.title.startswith("By one command")]
WAYS = {row[0]: row[2].split(" → ") for row in SECTION.rows if row[2] != "–"}
# Runs in the page: what a person's own hand clicked, from page to page.
COUNT = """addEventListener("click", (event) => {
  if (event.isTrusted) sessionStorage.counted = Number(sessionStorage.counted ?? 0) + 1;
}, true);"""


class Case(NamedTuple):
    """What there is, where the clicks lead, and what is said there."""

    task: str
    shown: Callable[[Page], Locator]
    said: str


def live(page: Page) -> Locator:
    return page.locator("[data-live]")


def message(page: Page) -> Locator:
    return page.locator(".messagelist")


CASES = {
    "start a task": Case("READY", lambda page: page.locator("[data-task]"), "report"),
    "see a task's progress until it ends": Case("RUNNING", live, "3 of 10"),
    "find what failed": Case("FAILED", lambda page: page.locator("#result_list"), "not there on attempt 1"),
    "read its traceback": Case("FAILED", lambda page: page.locator("details[open] pre"), "RatesMissing("),
    "run it again": Case("FAILED to be run again", message, "READY again, and sent."),
    "redrive a dead letter": Case("dead", message, "READY again"),
    "cancel a task": Case("READY", message, "Cancelled."),
    "see how deep the queues are, as it changes": Case("READY", live, "Waiting now"),
    "read a result": Case("SUCCESSFUL", lambda page: page.get_by_role("region", name="Returned"), "1.0842"),
}


@pytest.fixture(scope="module")
def made(demo: Demo) -> dict[str, str]:
    """The ids of tasks in every state."""
    return demo.run("tests.browser.states")


@pytest.fixture(scope="module")
def newcomer(demo: Demo, browser: Browser) -> Iterator[Visitor]:
    """Somebody who is signed in, and whose clicks are counted."""
    visitor = let_in(Visitor(browser, demo.address, viewport={"width": 1280, "height": 900}), demo)
    visitor.context.add_init_script(COUNT)
    yield visitor
    visitor.context.close()
    assert not visitor.problems


def step(page: Page, words: str, task_id: str) -> None:
    """Click what a step of a way names."""
    name = re.sub(r"\*\*(.+?)\*\*.*", r"\1", words)
    if words == "the task":
        page.get_by_role("link", name=task_id).click()
    elif words.endswith(" (type it)"):
        page.get_by_label(name, exact=True).click()
        page.keyboard.insert_text(task_id)
    else:
        link, button = (page.get_by_role(role, name=name, exact=True) for role in ("link", "button"))
        link.or_(button).click()


def test_every_way_is_tried_and_begins_where_the_page_says():
    assert list(WAYS) == list(CASES)
    text = PAGE.read_text()
    assert all(address in text for address in STARTS.values() if address != "/")


@pytest.mark.parametrize("what", CASES)
def test_three_clicks_do_it(what: str, newcomer: Visitor, made: dict[str, str]):
    (start, *steps), case, page = WAYS[what], CASES[what], newcomer.page
    newcomer.goto(STARTS[start])
    page.evaluate("delete sessionStorage.counted")

    for words in steps:
        step(page, words, made[case.task])

    expect(case.shown(page)).to_contain_text(case.said, timeout=PATIENCE_MS)
    assert int(page.evaluate("sessionStorage.counted")) == len(steps) <= MOST_CLICKS
