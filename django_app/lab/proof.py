"""What the first page measures, and by which bounds: the words and numbers that its templates need."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import get_template

from .crowd import VISITORS

WAYS = {"request": "In the request", "offload": "Offloaded"}


@dataclass(frozen=True, slots=True)
class Vital:
    """One of Google's measures, in milliseconds: good up to one bound, poor above the other."""

    metric: str
    name: str
    words: str
    good: int
    poor: int


# https://web.dev/articles/vitals, https://web.dev/articles/ttfb, https://web.dev/articles/fcp
VITALS = (
    Vital("ttfb", "TTFB", "Time to first byte", 800, 1800),
    Vital("fcp", "FCP", "First Contentful Paint", 1800, 3000),
    Vital("lcp", "LCP", "Largest Contentful Paint", 2500, 4000),
    Vital("inp", "INP", "Interaction to Next Paint", 200, 500),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the comparison."""

    metric: str
    name: str
    title: str


COLUMNS = (
    Column("orders", "Orders", "How many orders the report takes: the work."),
    Column(
        "dom", "DOM changes", "Changes to the page after it arrived, by MutationObserver, without this table."
    ),
    Column("shift", "Layout shifts", "Cumulative Layout Shift, from layout-shift entries; good up to 0.1."),
    Column("forced", "Forced layout", "Style and layout forced by scripts in long animation frames."),
    Column("painted", "Click to paint", "From the click to the paint that shows its answer."),
    *(
        Column(
            vital.metric,
            vital.name,
            f"{vital.words}; good up to {vital.good:,} ms, poor above {vital.poor:,} ms.",
        )
        for vital in VITALS
    ),
    Column("ready", "Click to result", "From the click until the finished report is on the page."),
    Column("verdict", "Verdict", "The worst rating of TTFB, FCP, LCP and INP, as far as told."),
)

EXAMPLES = {
    "request": "In the request: the visitor waits for the work",
    "offload": "Offloaded: the visitor has an answer at once",
}


def proof() -> dict[str, Any]:
    """Return what the measured part of a page needs."""
    return {"vitals": VITALS, "columns": COLUMNS, "ways": tuple(WAYS.items())}


def first_page() -> dict[str, Any]:
    """Return what the first page has beyond that."""
    return {
        "crowd": VISITORS,
        "threads": settings.SERVER_THREADS,
        "alone": settings.DEPLOYED,
        "examples": [{"way": way, "words": words, "code": shown(way)} for way, words in EXAMPLES.items()],
    }


def shown(way: str) -> str:
    """Return the code of a way as the page shows it."""
    source: str = get_template(f"lab/code/{way}.txt").template.source  # type: ignore[attr-defined]
    return source.rstrip()
