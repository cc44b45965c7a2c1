"""No text of a task runs in a page: neither with the site's Content-Security-Policy nor without it."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Response

from tests.browser.board import let_in
from tests.browser.demo import Demo
from tests.browser.payloads import PAYLOADS
from tests.browser.visitor import Visitor

# What a page may not have of its own, because a policy that lets it through lets a payload through too.
INLINE = """() => [...document.querySelectorAll("*")].flatMap((element) => [
    ...(element.matches("script:not([src])") ? [element.outerHTML] : []),
    ...(element.matches("style") && !element.nonce ? [element.outerHTML] : []),
    ...[...element.attributes].filter(({ name }) => /^on|^style$|^srcdoc$/.test(name))
        .map(({ name }) => name),
    ...[...element.attributes].filter(({ value }) => /^\\s*(javascript|data|vbscript):/i.test(value))
        .map(({ value }) => value),
])"""
# Enough for handlers of images that can't be loaded, and of elements that get the focus.
SETTLE_MS = 100


@pytest.fixture(scope="module")
def pages(demo: Demo) -> dict[str, str]:
    return demo.run("tests.browser.payloads")


@pytest.fixture(params=[False, True], ids=["with the policy", "without the policy"])
def staff(request: pytest.FixtureRequest, demo: Demo, browser: Browser) -> Iterator[Visitor]:
    visitor = let_in(Visitor(browser, demo.address, bypass_csp=request.param), demo)
    yield visitor
    visitor.context.close()


def test_t09_no_text_of_a_task_runs_in_any_page(staff: Visitor, pages: dict[str, str]) -> None:
    dialogs: list[str] = []
    answers: dict[str, Response] = {}
    elsewhere: list[str] = []
    staff.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    staff.page.on("request", lambda one: elsewhere.append(one.url) if "evil.example" in one.url else None)
    wrong, shown = [], set()
    for name, address in pages.items():
        answer = staff.page.goto(address)
        assert answer is not None
        answers[name] = answer
        staff.page.wait_for_timeout(SETTLE_MS)
        staff.page.mouse.move(400, 300)
        text = staff.page.inner_text("html")
        shown |= {payload for payload in PAYLOADS if payload in text}
        found = staff.page.evaluate("window.hacked"), staff.page.locator("#hostile-link").count()
        if found != (None, 0) or (name.split()[0] != "status" and staff.page.evaluate(INLINE)):
            wrong.append((name, found, staff.page.evaluate(INLINE)))

    assert {answer.status for answer in answers.values()} == {200}
    assert not [problem for answer in answers.values() if (problem := problem_of_policy(answer))]
    assert not wrong
    assert not dialogs
    assert not elsewhere
    assert not staff.problems
    assert shown == set(PAYLOADS), "the pages show each of them as text"


def problem_of_policy(answer: Response) -> str:
    """Return what is wrong with the policy of a page, which is 'self' with nothing inline, or nothing."""
    policy = answer.headers["content-security-policy"]
    is_strict = policy.split("; ")[0] == "default-src 'self'"
    is_strict &= not re.search(r"unsafe-|\*|https?:|data:", policy)
    is_strict &= "object-src 'none'" in policy and "base-uri 'none'" in policy
    return "" if is_strict else f"{answer.url}: {policy}"


def test_t09_the_policy_of_every_page_is_self_with_nothing_inline(browser: Browser, demo: Demo) -> None:
    visitor = let_in(Visitor(browser, demo.address), demo)

    for address in ("/reports/", "/photos/", "/mandelbrot/", "/retries/", "/admin/", "/"):
        answer = visitor.page.goto(address)
        assert answer is not None
        assert problem_of_policy(answer) == ""

    # The policy holds by itself: what a page would run inline is refused.
    ran = visitor.page.evaluate(
        """async () => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            const image = Object.assign(document.createElement("img"), { src: "data:," });
            image.setAttribute("onerror", "window.hacked = 1");
            document.body.append(script, image);
            await new Promise((resolve) => setTimeout(resolve, 100));
            return window.hacked;
        }"""
    )
    assert ran is None
    visitor.context.close()
