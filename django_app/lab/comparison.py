"""What the first page measures, and how it rates the values: the texts and numbers for its templates."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template.loader import get_template

from .crowd import VISITORS

WAYS = {"request": "In the request", "offload": "Offloaded"}


@dataclass(frozen=True, slots=True)
class Vital:
    """One of Google's metrics, in milliseconds: good up to one bound, poor above the other."""

    metric: str
    name: str
    label: str
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
    Column("orders", "Orders", "How many orders the report covers: the amount of work."),
    Column(
        "dom",
        "DOM changes",
        "Changes to the page after it arrived, counted by a MutationObserver. This table isn't counted.",
    ),
    Column("shift", "Layout shifts", "Cumulative Layout Shift, from layout-shift entries; good up to 0.1."),
    Column("forced", "Forced layout", "Style and layout that scripts forced in long animation frames."),
    Column("painted", "Click to paint", "From the click until the browser paints the answer."),
    *(
        Column(
            vital.metric,
            vital.name,
            f"{vital.label}; good up to {vital.good:,} ms, poor above {vital.poor:,} ms.",
        )
        for vital in VITALS
    ),
    Column("ready", "Click to result", "From the click until the finished report is on the page."),
    Column("verdict", "Verdict", "The worst rating of TTFB, FCP, LCP and INP that the browser reported."),
)

EXAMPLES = {
    "request": "In the request: the visitor waits for the work",
    "offload": "Offloaded: the visitor gets an answer at once",
}


def comparison_context() -> dict[str, Any]:
    """Return the template context of the comparison."""
    return {"vitals": VITALS, "columns": COLUMNS, "ways": tuple(WAYS.items())}


def first_page_context() -> dict[str, Any]:
    """Return the template context that only the first page needs."""
    return {
        "crowd": VISITORS,
        "threads": settings.SERVER_THREADS,
        "alone": settings.DEPLOYED,
        "examples": [
            {"way": way, "label": label, "code": example_code(way)} for way, label in EXAMPLES.items()
        ],
    }


def example_code(way: str) -> str:
    """Return the code that the page shows for a way."""
    source: str = get_template(f"lab/code/{way}.txt").template.source  # type: ignore[attr-defined]
    return source.rstrip()
