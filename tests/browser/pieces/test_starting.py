"""Forms, scripts and an API that start tasks, as progress_on_a_page.md has them."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import APIResponse, Request, expect

from tests.browser.pieces.test_progress import PATIENCE_MS, bar, text
from tests.browser.visitor import Visitor

BUILD = """async (year) => {
    const { build } = await import("/static/reports/start.js");
    const shown = [];
    try {
        return { task: await build(year, (words) => shown.push(words)), shown };
    } catch (error) {
        return { error: error.message, shown };
    }
}"""


def build(visitor: Visitor, year: int) -> dict[str, Any]:
    """Have the page's own script start a report."""
    visitor.goto("/reports/")
    told: dict[str, Any] = visitor.page.evaluate(BUILD, year)
    return told


def test_a_script_starts_a_task_and_watches_it_to_its_end(visitor: Visitor):
    told = build(visitor, 2027)

    assert told["task"]["status"] == "SUCCESSFUL"
    assert told["shown"][-1] == "40 in all"
    assert len(told["shown"]) > 1


def test_a_script_is_told_of_a_failure(visitor: Visitor):
    told = build(visitor, 2099)

    assert told["task"]["error"] == {"class": "builtins.LookupError", "message": "There are no figures yet"}
    assert told["shown"][-1] == "There are no figures yet"


def test_a_script_is_told_which_field_is_wrong(visitor: Visitor):
    told = build(visitor, 1999)

    assert told == {"error": "Ensure this value is greater than or equal to 2000.", "shown": []}


def press(visitor: Visitor, year: str, months: str) -> int:
    """Fill in the page's form, past what the browser itself would refuse, and return the answer's status."""
    page = visitor.page
    page.get_by_label("Year").fill(year)
    page.get_by_label("Months").fill(months)
    page.locator("form").evaluate("(form) => { form.noValidate = true; }")
    with page.expect_navigation() as navigation:
        page.get_by_role("button", name="Build it").click()
    answer = navigation.value
    assert answer is not None
    return answer.status


def test_a_form_shows_its_errors_and_then_the_progress(visitor: Visitor):
    visitor.goto("/reports/")

    assert press(visitor, "1999", "") == 400
    expect(visitor.page.get_by_text("This field is required.")).to_be_visible()
    expect(visitor.page.get_by_text("greater than or equal to 2000")).to_be_visible()
    assert press(visitor, "2050", "2") == 202
    expect(text(visitor.page)).to_have_text("Done", timeout=PATIENCE_MS)


def test_without_scripts_the_answer_to_a_form_leads_to_a_page_of_the_tasks_own(visit: Callable[..., Visitor]):
    visitor = visit(java_script_enabled=False)
    page = visitor.page
    visitor.goto("/reports/")
    page.get_by_label("Year").fill("2050")
    page.get_by_role("button", name="Build it").click()

    with page.expect_navigation():
        page.get_by_role("link", name="Refresh").click()
    expect(page.get_by_role("heading", name="Your report")).to_be_visible()
    assert "?token=" in page.url, "without scripts the token can only be in the link"
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))  # noqa: PLW0108 - Playwright marks it.
    visitor.refresh()
    page.reload()
    referrers = {request.all_headers().get("referer", "") for request in requests}
    assert page.evaluate("origin + '/'") in referrers
    assert not [referrer for referrer in referrers if "token" in referrer], "no page sends its token on"

    expect(text(page)).to_have_text("Done")
    expect(bar(page)).to_have_attribute("aria-valuenow", "100")


def ask(visitor: Visitor, **data: Any) -> APIResponse:
    """POST to the API as its user, without a session."""
    headers = {"Authorization": "Basic YWRhOmVuZ2luZQ=="}
    return visitor.context.request.post("/api/reports/", data=data, headers=headers)


def test_an_api_of_rest_framework_answers_202_and_its_location_leads_to_the_end(
    visitor: Visitor, visit: Callable[..., Visitor]
):
    answer = ask(visitor, year=2030)
    stranger = visit()

    assert answer.status == 202
    assert answer.json()["status"] == "READY"
    address = answer.headers["location"]
    told = stranger.page.evaluate(
        """async (address) => {
            const { watch } = await import("/static/django_offload/watch.js");
            return (await watch(address)).return_value;
        }""",
        address,
    )
    assert told == {"total": 40}
    bare = stranger.context.request.get(address.partition("?")[0])
    assert bare.status == 404


def test_an_api_of_rest_framework_refuses_in_its_own_way(visitor: Visitor):
    wrong = ask(visitor, year=1999)
    nobody = visitor.context.request.post("/api/reports/", data={"year": 2030})

    assert (wrong.status, list(wrong.json())) == (400, ["year"])
    assert nobody.status in {401, 403}
