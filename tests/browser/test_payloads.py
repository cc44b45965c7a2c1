"""No text of a task runs in a page: neither with the site's Content-Security-Policy nor without it."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Response

from tests.browser.board import let_in
from tests.browser.demo import ROOT, Demo
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
    lines = (demo.folder / ".offload" / "env").read_text().splitlines()
    exported = dict(shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export "))
    made = subprocess.run(
        [sys.executable, "-m", "tests.browser.payloads"],
        cwd=ROOT,
        env={**demo.stage_environment, **exported},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    found: dict[str, str] = json.loads(made.stdout.splitlines()[-1])
    return found


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
    assert not wrong
    assert not dialogs
    assert not elsewhere
    assert not staff.problems
    assert shown == set(PAYLOADS), "the pages show each of them as text"


def test_t09_the_policy_of_every_page_is_self_with_nothing_inline(
    browser: Browser, demo: Demo, pages: dict[str, str]
) -> None:
    visitor = let_in(Visitor(browser, demo.address), demo)
    own = ["/", "/reports/", "/photos/", "/mandelbrot/", "/retries/", "/admin/"]

    for address in [*pages.values(), *own]:
        answer = visitor.page.goto(address)
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert policy.split("; ")[0] == "default-src 'self'", address
        assert not re.search(r"unsafe-|\*|https?:|data:", policy), (address, policy)
        assert "object-src 'none'" in policy
        assert "base-uri 'none'" in policy

    # The policy holds by itself: what a page would run inline is refused.
    visitor.goto("/")
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
