"""One offloaded report, from the click to the downloads."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.visitor import IMPATIENT, Visitor


def offload(visitor: Visitor, orders: str = "50000", backend: str = "default") -> None:
    visitor.goto("/reports/")
    visitor.page.select_option("select[name=orders]", orders)
    visitor.page.select_option("select[name=backend]", backend)
    assert visitor.press("offload") == 202


def test_the_result_arrives_without_a_reload(visitor: Visitor):
    offload(visitor, "200000")
    visitor.page.evaluate("window.untouched = true")

    visitor.await_status("SUCCESSFUL")
    expect(visitor.page.locator("[data-result] img.chart")).to_be_visible()

    assert visitor.page.evaluate("window.untouched")
    percents = visitor.seen("percent")
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] == 100
    assert len(percents) > 2, "no progress was seen between the start and the end"
    assert visitor.page.locator("progress").evaluate("bar => bar.value") == 100
    assert visitor.seen("status")[-1] == "SUCCESSFUL"
    message = visitor.page.locator("[data-field=message][aria-live=polite]")
    expect(message).to_have_text("Done. The result is on this page.")


def test_the_page_of_a_report_has_an_address_that_survives_a_reload(visitor: Visitor):
    offload(visitor)
    expect(visitor.page).to_have_url(re.compile(r"/reports/[0-9a-f]{32}/$"))

    visitor.page.reload()
    visitor.await_status("SUCCESSFUL")
    visitor.page.reload()

    expect(visitor.page.locator("[data-result]")).to_be_visible()


@pytest.mark.parametrize("backend", ["default", "direct"])
def test_chart_and_csv_can_be_downloaded(visitor: Visitor, tmp_path: Path, backend: str):
    offload(visitor, backend=backend)
    visitor.await_status("SUCCESSFUL")

    files = {}
    for kind in ("csv", "chart"):
        with visitor.page.expect_download() as download:
            visitor.page.click(f"[data-download={kind}]")
        files[kind] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[kind])

    assert files["csv"].name == "report.csv"
    with files["csv"].open() as sheet:
        lines = list(csv.DictReader(sheet))
    assert sum(int(line["orders"]) for line in lines) == 50_000
    assert files["chart"].name == "chart.svg"
    assert files["chart"].read_text().startswith("<svg")


def test_the_chart_is_drawn(visitor: Visitor):
    offload(visitor)
    visitor.await_status("SUCCESSFUL")

    chart = visitor.page.locator("img.chart")
    expect(chart).to_be_visible()
    expect(chart).to_have_js_property("naturalWidth", 960)


def test_the_status_is_asked_for_as_the_server_says(visitor: Visitor):
    offload(visitor, "200000")
    visitor.await_status("SUCCESSFUL")

    answers = [poll.response() for poll in visitor.polls]
    assert len(answers) >= 2
    started = [poll.timing["startTime"] for poll in visitor.polls]
    for answer, before, after in zip(answers, started, started[1:], strict=False):
        assert answer is not None
        assert after - before >= 1_000 * float(answer.headers["retry-after"]) - 50
    for answer, poll in zip(answers, visitor.polls[1:], strict=False):
        assert answer is not None
        assert poll.header_value("if-none-match") == answer.header_value("etag")


def test_the_status_is_not_asked_for_in_a_hidden_tab(visitor: Visitor):
    page, status = visitor.page, re.compile(r"/tasks/[0-9a-f]{32}/$")
    page.clock.install()
    running = {"status": "RUNNING", "attempts": 1, "progress": None}
    page.route(status, lambda route: route.fulfill(json=running))
    offload(visitor)
    with page.expect_response(status):
        page.clock.run_for(1_000)
    expect(page.locator("[data-field=message]")).to_have_text("A worker has started")

    visitor.hide(True)
    visitor.polls.clear()
    page.clock.run_for(60_000)
    assert not visitor.polls

    with page.expect_response(status):
        visitor.hide(False)


def test_a_task_that_is_gone_is_told_so_and_asked_for_no_more(visitor: Visitor):
    status = re.compile(r"/tasks/[0-9a-f]{32}/$")
    visitor.page.clock.install()
    visitor.page.route(status, lambda route: route.fulfill(status=404))
    offload(visitor)
    visitor.page.clock.run_for(1_000)

    gone = "This task no longer exists. Start it again if you still need its result."
    expect(visitor.page.locator("[data-field=message]")).to_have_text(gone)
    visitor.polls.clear()
    visitor.page.clock.run_for(60_000)
    assert not visitor.polls


@pytest.mark.parametrize(
    ("done", "total", "percent"),
    [("1e308", "1.7e308", "58"), ("1e400", "5", "100"), ("1", "1e400", "0")],
)
def test_any_progress_of_a_task_is_a_percentage(visitor: Visitor, done: str, total: str, percent: str):
    progress = f'{{"done": {done}, "total": {total}, "message": "It goes on"}}'
    body = f'{{"status": "RUNNING", "attempts": 1, "progress": {progress}}}'
    visitor.page.route(
        re.compile(r"/tasks/[0-9a-f]{32}/$"),
        lambda route: route.fulfill(body=body, content_type="application/json"),
    )
    offload(visitor)

    expect(visitor.page.locator("[data-field=message]")).to_have_text("It goes on")
    expect(visitor.page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", percent)


def test_a_running_report_can_be_cancelled(visitor: Visitor):
    offload(visitor, "200000")

    visitor.page.click("[data-cancel]")

    visitor.await_status("FAILED")
    expect(visitor.page.locator("[data-details]")).to_contain_text("Cancelled")
    expect(visitor.page.locator("[data-cancel]")).to_be_hidden()
    expect(visitor.page.locator("[data-field=status]")).to_have_text("Cancelled")

    visitor.goto("/")
    for metric in ("ready", "verdict"):
        expect(visitor.cell("offload", metric)).to_have_text("cancelled")
    expect(visitor.page.locator("#verdict")).to_have_text(
        "The offloaded report was cancelled, so there is no result to compare. Run it again."
    )
    expect(visitor.page.locator("[data-timeline] svg")).to_contain_text("report cancelled")


# How a server that can't read AWS may answer, or not.
AWAY: dict[str, Callable[[Route], None]] = {
    "it answers 503": lambda route: route.fulfill(status=503, json={"errors": {}}),
    "it hangs": lambda route: None,
    "it is gone": lambda route: route.abort(),
    "its answer is cut": lambda route: route.fulfill(
        body='{"status": "RUNN', content_type="application/json"
    ),
}


@pytest.mark.parametrize("away", AWAY)
def test_a_page_whose_server_does_not_answer_says_that_it_is_stale_and_goes_on(visitor: Visitor, away: str):
    page, status = visitor.page, re.compile(r"/tasks/[0-9a-f]{32}/$")
    visitor.context.add_init_script(IMPATIENT)
    visitor.away = True
    page.route(status, AWAY[away])
    offload(visitor)

    message = page.locator("[data-field=message]")
    expect(message).to_have_text(
        "The server didn't answer, so this may be out of date. This page will try again."
    )
    link = page.get_by_role("link", name="Reload this page")
    expect(link).to_be_visible()
    expect(link).to_have_attribute("href", re.compile(r"^/reports/[0-9a-f]{32}/$"))

    page.unroute(status)
    visitor.await_status("SUCCESSFUL")
    expect(message).to_have_text("Done. The result is on this page.")
    expect(link).to_be_hidden()
    expect(page.locator("[data-stale]")).to_have_count(0)


def test_a_result_that_cannot_be_fetched_is_fetched_again(visitor: Visitor):
    details = re.compile(r"part=details$")
    visitor.away = True
    visitor.page.route(details, lambda route: route.fulfill(status=503))
    offload(visitor)
    expect(visitor.page.get_by_role("link", name="Reload this page")).to_be_visible()
    expect(visitor.page.locator("[data-result]")).to_have_count(0)

    visitor.page.unroute(details)

    expect(visitor.page.locator("[data-result]")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Reload this page")).to_be_hidden()


def test_it_works_without_javascript(visit: Callable[..., Visitor]):
    visitor = visit(java_script_enabled=False)
    offload(visitor)

    visitor.refresh()

    expect(visitor.page.locator("[data-result]")).to_be_visible()
