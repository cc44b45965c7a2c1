"""A task that is followed with and without scripts leaves no token in the site's log."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.demo import Demo
from tests.browser.visitor import PATIENCE_MS, Visitor

FOLLOW = """async (address) => {
    const { watch } = await import("/static/django_offload/watch.js");
    return (await watch(address)).status;
}"""


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, which logs each request."""
    demo = Demo(tmp_path_factory.mktemp("logged"), DJANGO_SETTINGS_MODULE="tests.browser.logged_site")
    demo.start()
    yield demo
    assert demo.end() == 0, demo.text()


@pytest.fixture
def people(logged: Demo, browser: Browser) -> Iterator[list[Visitor]]:
    """An owner with scripts, one without, and a stranger with scripts."""
    visitors = [
        Visitor(browser, logged.address, java_script_enabled=scripts) for scripts in (True, False, True)
    ]
    yield visitors
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for visitor in visitors:
        visitor.context.close()
    assert not problems


def test_no_token_is_in_the_log_of_a_task_that_is_followed(people: list[Visitor], logged: Demo):
    owner, plain, stranger = people
    links: list[str] = []
    for visitor in (owner, plain):
        visitor.goto("/reports/")
        visitor.page.on(
            "response", lambda answer: links.extend(filter(None, [answer.headers.get("location")]))
        )
        assert visitor.press("offload") == 202
    assert len(links) == 2
    tokens = [link.partition("token=")[2] for link in links]
    assert all(tokens)

    owner.await_status("SUCCESSFUL")
    plain.refresh()
    expect(plain.page.locator("[data-task][data-status=SUCCESSFUL]")).to_be_visible(timeout=PATIENCE_MS)
    stranger.goto("/reports/")
    assert stranger.page.evaluate(FOLLOW, links[0]) == "SUCCESSFUL"
    followed = stranger.polls[-1]
    assert "token" not in followed.url
    assert followed.headers["x-offload-token"] in links[0]
    # Without scripts the token can only be in the link.
    plain.context.clear_cookies()
    assert plain.goto(links[1]) == 200
    refused = plain.goto(f"{links[1]}x")
    assert refused in {403, 404}

    path = links[1].partition("?")[0]
    request = f'"GET {path}?token=*** HTTP/1.1"'
    log = logged.text_with(f"{request} {refused}")
    assert f"{request} {refused}" in log
    # Each page asks again and again, so the answers aren't in the log.
    assert f"{request} 200" not in log
    assert f'"GET {followed.url.removeprefix(logged.address)} HTTP/1.1" 200' not in log
    for token in tokens:
        assert token.rpartition(":")[2] not in log
