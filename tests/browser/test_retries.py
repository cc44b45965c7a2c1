"""Failure and retry, seen on the page as they happen."""

from playwright.sync_api import expect

from tests.browser.visitor import Visitor


def fetch(visitor: Visitor, failures: str) -> None:
    visitor.goto("/retries/")
    visitor.page.select_option("select[name=failures]", failures)
    assert visitor.press("rates") == 202
    visitor.page.evaluate("window.untouched = true")


def test_two_failures_and_the_success_after_them_are_shown(visitor: Visitor):
    fetch(visitor, "2")

    visitor.await_status("SUCCESSFUL")

    failures = visitor.page.locator("[data-failures] li")
    expect(failures).to_have_count(2)
    expect(failures.nth(0)).to_contain_text("Attempt 1 failed")
    expect(failures.nth(0)).to_contain_text("lab.rates.RatesMissing")
    expect(failures.nth(1)).to_contain_text("was not there on attempt 2")
    expect(visitor.page.locator("[data-result]")).to_contain_text("1.0842")
    assert visitor.page.evaluate("window.untouched")
    assert "It will be retried shortly" in visitor.seen("message")
    attempts = visitor.seen("attempts")
    assert attempts == sorted(attempts)
    assert attempts[-1] == 3


def test_a_failure_for_good_is_shown(visitor: Visitor):
    fetch(visitor, "3")

    visitor.await_status("FAILED")

    expect(visitor.page.locator("[data-failed]")).to_have_text("The task failed after 3 attempts.")
    expect(visitor.page.locator("[data-failures] li")).to_have_count(3)
    assert visitor.page.evaluate("window.untouched")
