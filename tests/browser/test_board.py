"""The board in a browser: found, read, retried, live; as the admin looks, light and dark, wide and narrow."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.board import BOARD, let_in
from tests.browser.demo import Demo
from tests.browser.test_accessibility import found_by_axe
from tests.browser.visitor import PATIENCE_MS, Visitor


@pytest.fixture
def sign_in(demo: Demo) -> Callable[[Visitor], Visitor]:
    """Return what lets a visitor in, with the password that the demo says."""
    return lambda visitor: let_in(visitor, demo)


def fail(visitor: Visitor) -> str:
    """Have a task fail for good, and return its id."""
    visitor.goto("/retries/")
    visitor.page.select_option("select[name=failures]", "3")
    assert visitor.press("rates") == 202
    visitor.await_status("FAILED")
    found = re.search(r"[0-9a-f]{32}", visitor.page.locator("[data-task]").get_attribute("data-task") or "")
    assert found is not None
    return found[0]


def test_a_failed_task_is_found_read_and_retried_in_three_clicks_each(
    sign_in: Callable[[Visitor], Visitor], visitor: Visitor
):
    task_id, page = fail(sign_in(visitor)), visitor.page
    visitor.goto(BOARD)

    page.get_by_role("link", name="Failed").click()
    page.get_by_role("link", name=task_id).click()

    expect(page.locator("details[open] pre")).to_contain_text("lab.rates.RatesMissing")
    expect(page.locator(".board-timeline")).to_contain_text("Attempt 3 failed")

    page.get_by_role("button", name="Retry…").click()
    page.get_by_role("button", name="Yes, retry it").click()

    expect(page.locator(".messagelist")).to_have_text(
        re.compile(rf"\bTask {task_id}: READY again, and sent\.")
    )
    # The page follows by itself: three attempts more, and it has failed again.
    expect(page.locator(".board-timeline")).to_contain_text("Attempt 6 failed", timeout=60_000)
    expect(page.locator(".board-head .board-state")).to_have_text("FAILED")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#change-history")).to_contain_text("Retry lab.tasks.exchange_rates")


def test_a_list_follows_and_keeps_what_was_chosen(
    sign_in: Callable[[Visitor], Visitor], visitor: Visitor, visit
):
    task_id, page = fail(sign_in(visitor)), visitor.page
    visitor.goto(f"{BOARD}?list=failed")
    box = page.locator(f"input[value='{task_id}']")
    box.focus()
    page.keyboard.press("Space")
    rows = page.locator("#result_list tbody tr")
    before = rows.count()

    other = visit(viewport={"width": 1280, "height": 900})
    fail(other)

    # Playwright's own patience is no longer than the pause between two questions.
    expect(rows).to_have_count(before + 1, timeout=PATIENCE_MS)
    expect(box).to_be_checked()
    assert page.evaluate("document.activeElement.value") == task_id, "the new row pushed the focus aside"
    expect(page.locator("[data-selected]")).to_have_text(f"1 of {before + 1} selected")


def test_a_list_asks_nothing_in_a_hidden_tab_or_where_it_is_switched_off(
    sign_in: Callable[[Visitor], Visitor], visitor: Visitor
):
    page = sign_in(visitor).page
    page.clock.install()
    visitor.goto(BOARD)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    with page.expect_response(f"**{BOARD}*"):
        page.clock.run_for(5_000)
    expect(page.locator("[data-live-said]")).to_contain_text("Updated")
    page.uncheck("[data-live-switch]")
    asked.clear()
    page.clock.run_for(60_000)
    assert asked == []

    page.check("[data-live-switch]")
    visitor.hide(True)
    page.clock.run_for(60_000)
    assert asked == []

    with page.expect_response(f"**{BOARD}*"):
        visitor.hide(False)


def test_a_list_that_cannot_be_read_says_that_it_is_stale_and_tries_again(
    sign_in: Callable[[Visitor], Visitor], visitor: Visitor
):
    page = sign_in(visitor).page
    visitor.away = True
    page.clock.install()
    visitor.goto(BOARD)
    said = page.locator("[data-live-said]")
    answers: dict[str, Callable[[Route], None]] = {
        "The site answered 503": lambda route: route.fulfill(status=503),
        "The site didn't answer": lambda route: None,
    }

    for what, answer in answers.items():
        page.route(f"**{BOARD}*", answer)
        with page.expect_request(f"**{BOARD}*"):
            page.clock.run_for(5_000)
        if what == "The site didn't answer":
            page.clock.run_for(15_000)
        expect(said).to_have_text(f"{what}, so this page may be out of date. It tries again by itself.")
        page.unroute(f"**{BOARD}*")
        page.clock.run_for(5_000)
        expect(said).to_contain_text("Updated")

    visitor.context.clear_cookies()
    page.clock.run_for(5_000)
    expect(said).to_have_text("The site answered with another page. Reload to see why.")
    expect(page.locator("[data-live]")).to_be_visible()


def test_who_reads_a_task_is_not_disturbed(sign_in: Callable[[Visitor], Visitor], visitor: Visitor):
    task_id, page = fail(sign_in(visitor)), visitor.page
    address, said = f"{BOARD}{task_id}/change/", "Arguments"

    def answer(route: Route) -> None:
        """The page of a task that goes on, with a long traceback; its token is another each time."""
        body = route.fetch().text().replace('id="board-task"', 'id="board-task" data-live="2"')
        body = body.replace("Traceback (most", "\n" * 200 + "Traceback (most")
        route.fulfill(body=body.replace(">Arguments<", f">{said}<"), content_type="text/html; charset=utf-8")

    page.clock.install()
    page.route(f"**{address}", answer)
    visitor.goto(address)
    page.locator("details[open] pre").evaluate(
        "pre => { pre.scrollTop = 500; pre.focus(); pre.mark = true; }"
    )
    with page.expect_response(f"**{address}"):
        page.clock.run_for(2_000)
    expect(page.locator("[data-live-said]")).to_contain_text("Updated")

    assert page.evaluate("document.activeElement.mark"), "nothing was new, and yet it was exchanged"
    said = "What it was given"
    with page.expect_response(f"**{address}"):
        page.clock.run_for(2_000)
    expect(page.get_by_role("heading", name=said)).to_be_visible()

    at = "[document.activeElement.localName, document.activeElement.scrollTop, document.activeElement.mark]"
    assert page.evaluate(at) == ["pre", 500, None]


def test_many_are_chosen_by_the_keyboard_alone(sign_in: Callable[[Visitor], Visitor], visitor: Visitor):
    page = sign_in(visitor).page
    fail(visitor)
    visitor.goto(f"{BOARD}?list=failed")

    visitor.tab_to(page.locator("[data-live-switch]"))
    page.keyboard.press("Space")
    visitor.tab_to(page.locator("select[name=action]"))
    page.keyboard.type("Discard")
    visitor.tab_to(page.locator("[data-select-all]"))
    page.keyboard.press("Space")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Are you sure?")).to_be_visible()
    visitor.tab_to(page.get_by_role("button", name="Yes, discard"))
    page.keyboard.press("Enter")

    expect(page.locator("#board-rows")).to_contain_text("There are no tasks in this list.")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_and_nothing_sticks_out(
    sign_in: Callable[[Visitor], Visitor], visit: Callable[..., Visitor], scheme: str, width: int
):
    visitor = visit(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page, found = visitor.page, []
    # Before anybody signs in: the owner is a session then, a word longer than a phone is wide.
    task_id = fail(visitor)
    sign_in(visitor)
    visitor.goto(BOARD)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) < 3 * 128) == (scheme == "dark"), ground

    of_the_task = [f"{task_id}/history/", f"{task_id}/change/"]
    for path in ("", "?list=failed", "?list=all", "queues/", "unreadable/", "schedules/", *of_the_task):
        assert visitor.goto(f"{BOARD}{path}") == 200
        found += found_by_axe(visitor)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.get_by_role("button", name="Discard…").click()
    found += found_by_axe(visitor)

    assert not found, "\n".join(found)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_schedule_is_run_paused_and_resumed_by_the_keyboard(
    sign_in: Callable[[Visitor], Visitor], visit: Callable[..., Visitor], scripts: bool
):
    visitor = visit(viewport={"width": 390, "height": 844}, java_script_enabled=scripts)
    page = sign_in(visitor).page
    schedule = page.get_by_role("region", name="nightly-rates")

    for verb, said in (
        ("Run now", "Schedule nightly-rates: Enqueued task "),
        ("Pause", "Schedule nightly-rates: Paused. "),
        ("Resume", "Schedule nightly-rates: Resumed, "),
    ):
        visitor.goto(f"{BOARD}schedules/")
        schedule.get_by_role("button", name=f"{verb}… nightly-rates").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name=f"Yes, {verb.lower()}").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".messagelist")).to_contain_text(said)
        expect(schedule.locator(".board-state").first).to_have_text("PAUSED" if verb == "Pause" else "ACTIVE")

    expect(schedule).to_contain_text(re.compile(r"03:00 E[SD]T\s+\(20\d\d-\d\d-\d\d 0[78]:00 UTC\)"))
    schedule.get_by_role("link", name="Task").click()
    expect(page.get_by_role("heading", name="lab.tasks.exchange_rates")).to_be_visible()
    visitor.goto(f"{BOARD}schedules/")
    schedule.get_by_role("link", name="History").click()
    expect(page.locator("#change-history")).to_contain_text("Pause schedule nightly-rates of default")


def test_charts_are_told_apart_without_colour_and_have_tables(
    sign_in: Callable[[Visitor], Visitor], visitor: Visitor
):
    page = sign_in(visitor).page

    visitor.goto(f"{BOARD}queues/")

    charts = page.locator(".board-chart")
    expect(charts).to_have_count(4)
    for number in range(4):
        chart = charts.nth(number)
        expect(chart.get_by_role("img")).to_have_count(1)
        dashes = [
            line.get_attribute("stroke-dasharray") for line in chart.locator(".board-legend line").all()
        ]
        assert len(dashes) == len(set(dashes))
        chart.locator("summary").click()
        expect(chart.locator("details > *").nth(1)).to_be_visible()
