"""The demo, once a session, and browsers that visit it."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.demo import Demo
from tests.browser.visitor import Visitor

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "The browser tests need Chromium, which was not found. On Debian, install it with: "
    "apt-get install -y --no-install-recommends chromium fonts-dejavu-core "
    "(elsewhere, name it in the variable CHROMIUM)"
)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo as `make demo` runs it, ended as Ctrl-C ends it."""
    demo = Demo(tmp_path_factory.mktemp("demo"), DJANGO_SETTINGS_MODULE="tests.browser.scheduled_site")
    demo.start()
    yield demo
    assert demo.end() == 0, demo.text()
    _, ending, after = demo.text().partition("Stopping everything")
    assert ending
    assert "Traceback" not in after


# Of one module: while Playwright runs, its event loop keeps Django from using the database in this thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with sync_playwright() as playwright:
        # The sandbox needs a user other than root; the only site visited is the one of this repository.
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def chromium() -> str:
    """Return the path of Chromium. Fail the test, saying what to do, if there is none."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail(MISSING, pytrace=False)
    return found


@pytest.fixture
def visit(demo: Demo, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Let visitors in; in the end none may have met an error or a breach of the content security policy."""
    visitors: list[Visitor] = []

    def enter(**context: Any) -> Visitor:
        visitors.append(Visitor(browser, demo.address, **context))
        return visitors[-1]

    yield enter
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for visitor in visitors:
        visitor.context.close()
    assert not problems


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """One visitor, at an ordinary desk."""
    return visit(viewport={"width": 1280, "height": 900})
