"""Charts as SVG, drawn on the server: lines told apart by dashes and marks, with a table behind each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from .metrics import History, Points

WIDTH, HEIGHT = 480, 160
LEFT, TOP, BOTTOM = 44, 10, 22
# How lines are told apart without colour.
DASHES = ("", "6 4")
# The same for points that stand alone: a square, and a cross, around their place.
MARKS = ("m-3 -3h6v6h-6z", "m-1 -4h2v3h3v2h-3v3h-2v-3h-3v-2h3z")
TICKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a chart."""

    label: str
    dash: str
    mark: str
    strokes: Sequence[str]  # Its points, as SVG's polyline takes them; a gap begins another.
    dots: Sequence[tuple[float, float]]  # Points that stand alone between gaps.


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart, and the table behind it."""

    slug: str
    title: str
    unit: str
    summary: str  # What it shows, in words.
    lines: Sequence[Line]
    levels: Sequence[tuple[float, str]]  # Heights of the horizontal rules, and what they stand for.
    ends: tuple[datetime, datetime]
    headings: Sequence[str]
    rows: Sequence[tuple[datetime, Sequence[str]]]  # The latest first.

    width, height, left, right, base = WIDTH, HEIGHT, LEFT, WIDTH - 4, HEIGHT - BOTTOM


# Slug, title, unit, and of each line its metric, label and factor.
KINDS: tuple[tuple[str, str, str, tuple[tuple[str, str, float], ...]], ...] = (
    ("depth", "Messages waiting", "", (("depth", "waiting", 1),)),
    ("age", "Age of the oldest message", "s", (("age", "age", 1),)),
    ("throughput", "Throughput: invocations", "", (("done", "all", 1), ("errors", "failed", 1))),
    ("latency", "Latency: duration", "s", (("average", "average", 0.001), ("longest", "longest", 0.001))),
)


def charts(history: History) -> list[Chart]:
    """Return the charts of one queue."""
    return [
        _chart(slug, title, unit, {label: _scaled(history.points[key], by) for key, label, by in lines})
        for slug, title, unit, lines in KINDS
    ]


def _scaled(points: Points, by: float) -> Points:
    return [(instant, None if value is None else value * by) for instant, value in points]


def _chart(slug: str, title: str, unit: str, of: dict[str, Points]) -> Chart:
    everything = [value for points in of.values() for _, value in points if value is not None]
    top = _round_up(max(everything, default=0))
    instants = [instant for instant, _ in next(iter(of.values()))]
    return Chart(
        slug=slug,
        title=title,
        unit=unit,
        summary=_summary(of, unit),
        lines=[_line(*line, top) for line in zip(of, DASHES, MARKS, of.values(), strict=False)],
        levels=[(_y(top * tick / TICKS, top), said(top * tick / TICKS, unit)) for tick in range(TICKS + 1)],
        ends=(instants[0], instants[-1]),
        headings=list(of),
        rows=list(_rows(of, unit)),
    )


def _summary(of: dict[str, Points], unit: str) -> str:
    """Say what a chart shows to who does not see it."""
    parts = []
    for label, points in of.items():
        known = [value for _, value in points if value is not None]
        if known:
            parts.append(f"{label}: last {said(known[-1], unit)}, most {said(max(known), unit)}")
    return "; ".join(parts) or "CloudWatch has told nothing of this time."


def said(value: float, unit: str) -> str:
    """Return a number as a reader wants it."""
    text = f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
    return f"{text} {unit}".strip()


def _round_up(value: float) -> float:
    """Return the top of an axis: 1, 2 or 5 times a power of ten, and never nothing."""
    top = 1.0
    while top * 10 <= value:
        top *= 10
    return next(top * step for step in (1, 2, 5, 10) if top * step >= value)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 1)


def _line(label: str, dash: str, mark: str, points: Points, top: float) -> Line:
    runs = list(_runs(points, top))
    return Line(
        label=label,
        dash=dash,
        mark=mark,
        strokes=[" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1],
        dots=[run[0] for run in runs if len(run) == 1],
    )


def _runs(points: Points, top: float) -> Iterator[list[tuple[float, float]]]:
    """Yield the points between gaps."""
    run: list[tuple[float, float]] = []
    step = (WIDTH - 4 - LEFT) / max(len(points) - 1, 1)
    for number, (_, value) in enumerate(points):
        if value is not None:
            run.append((round(LEFT + number * step, 1), _y(value, top)))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _rows(of: dict[str, Points], unit: str) -> Iterator[tuple[datetime, list[str]]]:
    """Yield the table's rows, without those that say nothing, or nothing but noughts."""
    for together in reversed(list(zip(*of.values(), strict=True))):
        values = [value for _, value in together]
        if any(values):
            yield together[0][0], ["–" if value is None else said(value, unit) for value in values]
