"""Pages: what the reference site's first page measures in Chromium, and what Lighthouse says of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from lab.comparison import VITALS
from tests.benchmarks.report import Figure, Section, table
from tests.benchmarks.rounds import Plan
from tests.browser.conftest import chromium
from tests.browser.demo import Demo
from tests.browser.first_page import METRICS, WAYS, let_visitors_in, processing, run
from tests.browser.test_lighthouse import RUNS, scores
from tests.browser.visitor import Visitor

# The work that the figures speak of, and the sizes that tell how much of it this machine does in that time.
WORK_MS, LONGER_MS = 2_000, 3_000
TRIED, TRIES = (50_000, 200_000), 3
ROUNDS, LONGER_ROUNDS, QUICK_ROUNDS = 9, 3, 1
CROWDS, QUICK_CROWDS = 3, 1
NAMES = {"request": "in the request", "offload": "offloaded"}
HEADS = ["", "server processing, ms", "TTFB, ms", "click to paint, ms", "FCP, ms", "LCP, ms", "INP, ms"]
BOUNDS = {vital.metric: vital for vital in VITALS}
# What Lighthouse should say of the first page; the tests ask for 90 of performance.
SCORE = 95

type Values = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Medians: of both ways, of both with longer work, of the others' waits, of Lighthouse's scores."""

    orders: int
    ways: Mapping[str, Values]
    longer_orders: int
    longer: Mapping[str, Values]
    crowd: Values
    lighthouse: Values


def section(plan: Plan) -> Section:
    found = measured(plan)
    rows = [[NAMES[way], *cells(found.ways[way])] for way in WAYS]
    rows += [[f"{NAMES[way]}, about {seconds(LONGER_MS)} of work", *cells(found.longer[way])] for way in WAYS]
    return Section(
        "Pages",
        "The reference site runs as `make demo` runs it, on 4 server threads, with its workers on the same "
        "machine. Headless Chromium reads the figures off the site's own table. The work is a report over "
        f"{found.orders:,} orders, a number chosen so that server processing in the request takes about "
        f"{seconds(WORK_MS)} here; it took {found.ways['request']['server'] / 1_000:.2f} s. All times are "
        f"medians; those of the other visitors' page are medians of {CROWDS} crowds. The ratings use "
        f"Google's bounds. LCP is good up to {BOUNDS['lcp'].good / 1_000} s, and {seconds(WORK_MS)} of work "
        f"with the paint may fit into that. About {seconds(LONGER_MS)} of work, {found.longer_orders:,} "
        "orders, may not.",
        [
            table(HEADS, rows),
            table(
                ["while 8 visitors run 50,000 orders each", "TTFB of a trivial page, ms"],
                [[NAMES[way], f"{found.crowd[way]:,.0f}"] for way in WAYS],
            ),
            table(
                [f"Lighthouse on the first page, median of {RUNS}", "score"],
                [[name, f"{score:.0f}"] for name, score in found.lighthouse.items()],
            ),
        ],
        figures(found),
    )


def seconds(ms: float) -> str:
    return f"{ms / 1_000:.0f} s"


def cells(values: Values) -> list[str]:
    """Return what a row says of a way, with Google's ratings."""
    shown = {metric: f"{values[metric]:,.0f}" for metric in ("server", *METRICS)}
    for metric in BOUNDS:
        shown[metric] += f" ({rating(metric, values[metric])})"
    return list(shown.values())


def rating(metric: str, value: float) -> str:
    vital = BOUNDS[metric]
    if value <= vital.good:
        return "good"
    return "needs improvement" if value <= vital.poor else "poor"


def figures(found: Measured) -> list[Figure]:
    slow, quick, crowd = found.ways["request"], found.ways["offload"], found.crowd
    ratios = [
        Figure("offloaded, TTFB of the POST, of that in the request", quick["ttfb"] / slow["ttfb"], 1 / 50),
        Figure("offloaded, click to painted answer", quick["painted"] / slow["painted"], 0.06),
        Figure("a trivial page while 8 visitors run the work", crowd["offload"] / crowd["request"], 1 / 10),
    ]
    rated = [*answers("", found.ways), *answers(f" with about {seconds(LONGER_MS)} of work", found.longer)]
    judged = [
        Figure(f"Lighthouse, {name}", score, SCORE, "", at_least=True)
        for name, score in found.lighthouse.items()
    ]
    return [*ratios, *rated, *judged]


def answers(work: str, ways: Mapping[str, Values]) -> list[Figure]:
    """Return what the answering pages should be: good offloaded, and not so in the request."""
    found = []
    for vital in (BOUNDS["fcp"], BOUNDS["lcp"]):
        good, more = ways["offload"][vital.metric], ways["request"][vital.metric]
        found += [
            Figure(f"offloaded{work}, {vital.name} of the answer: good", good, vital.good, "ms"),
            # Whole milliseconds: what is above the bound is at least the next one.
            Figure(
                f"in the request{work}, {vital.name}: not good",
                round(more),
                vital.good + 1,
                "ms",
                at_least=True,
                retired=fits_into_good(work, vital.metric),
            ),
        ]
    return found


def fits_into_good(work: str, metric: str) -> str:
    """Return why a figure is retired: one of the shorter work, whose paint is good even in the request."""
    if work or metric != "lcp":
        return ""
    good, longer = BOUNDS[metric].good / 1_000, seconds(LONGER_MS)
    return f"Google calls up to {good:g} s good, and {seconds(WORK_MS)} of work fit; see that of {longer}"


def orders_for(wanted: float, tried: Sequence[tuple[int, float]]) -> int:
    """Return how many orders take so many milliseconds, by the line through two that were tried."""
    (few, quick), (many, slow) = tried
    each = (slow - quick) / (many - few)
    return max(1_000, 1_000 * round((few + (wanted - quick) / each) / 1_000))


def measured(plan: Plan) -> Measured:
    with TemporaryDirectory() as folder:
        with _visited(Demo(Path(folder))) as visitor:
            few, more = _tried(visitor, *TRIED)
        # The line through small sizes leads near the work wanted; from there it is short.
        near = orders_for(WORK_MS, [few, more])
        with _shop(folder, near) as visitor:
            line = [few, *_tried(visitor, near)]
        orders, longer = (orders_for(wanted, line) for wanted in (WORK_MS, LONGER_MS))
        with _shop(folder, orders) as visitor:
            ways = _ways(visitor, orders, ROUNDS if plan.full else QUICK_ROUNDS)
            crowds = [let_visitors_in(visitor) for _ in range(CROWDS if plan.full else QUICK_CROWDS)]
            judged = [scores(visitor.page.url) for _ in range(RUNS if plan.full else 1)]
        with _shop(folder, longer) as visitor:
            ways_longer = _ways(visitor, longer, LONGER_ROUNDS if plan.full else QUICK_ROUNDS)
    return Measured(
        orders=orders,
        ways=ways,
        longer_orders=longer,
        longer=ways_longer,
        crowd={way: median(one[way]["median"] for one in crowds) for way in WAYS},
        lighthouse=_medians(judged),
    )


def _tried(visitor: Visitor, *sizes: int) -> list[tuple[int, float]]:
    """Return how many milliseconds the server takes for each number of orders, the median of some tries."""
    run(visitor, "request", str(sizes[0]))  # Modules load once.
    tries = [[_processing(visitor, size) for size in sizes] for _ in range(TRIES)]
    return [(size, median(took)) for size, took in zip(sizes, zip(*tries, strict=True), strict=True)]


def _ways(visitor: Visitor, orders: int, rounds: int) -> dict[str, dict[str, float]]:
    """Run reports both ways in turns, and return the medians of each."""
    run(visitor, "offload", str(orders))  # A worker's first task waits for its process to start.
    series = [_both(visitor, orders) for _ in range(rounds)]
    return {way: _medians([one[way] for one in series]) for way in WAYS}


def _both(visitor: Visitor, orders: int) -> dict[str, dict[str, float]]:
    return {way: {**run(visitor, way, str(orders)), "server": processing(visitor, way)} for way in WAYS}


def _processing(visitor: Visitor, orders: int) -> float:
    run(visitor, "request", str(orders))
    return processing(visitor, "request")


def _medians(all_of: Sequence[Values]) -> dict[str, float]:
    return {name: median(one[name] for one in all_of) for name in all_of[0]}


def _shop(folder: str, orders: int) -> AbstractContextManager[Visitor]:
    """Somebody at a demo that offers so many orders."""
    return _visited(Demo(Path(folder), LAB_ORDERS=str(orders)))


@contextmanager
def _visited(demo: Demo) -> Iterator[Visitor]:
    """Somebody at a demo, which ends with the visit."""
    demo.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
            )
            yield Visitor(browser, demo.address, viewport={"width": 1280, "height": 900})
            browser.close()
    finally:
        demo.end()
