"""Pages: what the reference site's first page measures in Chromium, the same work both ways."""

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.benchmarks.report import Figure, Section, table
from tests.benchmarks.rounds import Plan
from tests.browser.conftest import chromium
from tests.browser.demo import Demo
from tests.browser.first_page import METRICS, WAYS, let_visitors_in, run
from tests.browser.visitor import Visitor

ROUNDS, QUICK_ROUNDS = 5, 1
HEADS = ["200,000 orders", "TTFB, ms", "click to paint, ms", "FCP, ms", "LCP, ms", "INP, ms"]
NAMES = {"request": "in the request", "offload": "offloaded"}


def section(plan: Plan) -> Section:
    found, crowd = _measured(ROUNDS if plan.full else QUICK_ROUNDS)
    slow, quick = found["request"], found["offload"]
    others = crowd["offload"]["median"], crowd["request"]["median"]
    rows = [[NAMES[way], *(f"{found[way][metric]:.0f}" for metric in METRICS)] for way in WAYS]
    return Section(
        "Pages",
        "The reference site as `make demo` runs it, on 4 server threads, its workers on the same machine, "
        "read off its own table in headless Chromium; medians.",
        [
            table(HEADS, rows),
            table(
                ["while 8 visitors run 50,000 orders each", "TTFB of a trivial page, median, ms"],
                [[NAMES[way], f"{crowd[way]['median']:.0f}"] for way in WAYS],
            ),
        ],
        [
            Figure(
                "offloaded, TTFB of the POST, of that in the request", quick["ttfb"] / slow["ttfb"], 1 / 50
            ),
            Figure("offloaded, click to painted answer", quick["painted"] / slow["painted"], 1 / 20),
            Figure("a trivial page while 8 visitors run the work", others[0] / others[1], 1 / 10),
        ],
    )


def _measured(rounds: int) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Return the medians of both ways, and what others feel."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = Demo(Path(folder))
        demo.start()
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            visitor = Visitor(browser, demo.address, viewport={"width": 1280, "height": 900})
            run(visitor, "offload")  # A worker's first task waits for its process to start.
            series = [{way: run(visitor, way) for way in WAYS} for _ in range(rounds)]
            crowd = let_visitors_in(visitor)
        finally:
            browser.close()
            demo.end()
    return {
        way: {metric: median(one[way][metric] for one in series) for metric in METRICS} for way in WAYS
    }, crowd
