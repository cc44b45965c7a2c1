"""Charts as SVG, rendered on the server. Dashes and marks distinguish the lines; each chart has a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from .metrics import Points, QueueHistory

WIDTH, HEIGHT = 480, 160
LEFT, TOP, BOTTOM = 44, 10, 22
# Lines differ in their dashes, so that readers can distinguish them without colour.
DASHES = ("", "6 4")
# The same for single points between gaps: a square and a cross, as SVG paths around their centre.
MARKS = ("m-3 -3h6v6h-6z", "m-1 -4h2v3h3v2h-3v3h-2v-3h-3v-2h3z")
TICKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a chart."""

    label: str
    dash: str
    mark: str
    strokes: Sequence[str]  # The points of SVG polylines. A gap ends one polyline and starts another.
    dots: Sequence[tuple[float, float]]  # Single points between gaps.


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One chart and its table."""

    slug: str
    title: str
    unit: str
    summary: str  # What the chart shows, for readers who don't see it.
    lines: Sequence[Line]
    gridlines: Sequence[tuple[float, str]]  # The heights of the horizontal lines, and their labels.
    start: datetime
    end: datetime
    headings: Sequence[str]
    rows: Sequence[tuple[datetime, Sequence[str]]]  # The latest first.

    width, height, left, right = WIDTH, HEIGHT, LEFT, WIDTH - 4


# Slug, title and unit of each chart, and the metric, label and factor of each line.
CHARTS: tuple[tuple[str, str, str, tuple[tuple[str, str, float], ...]], ...] = (
    ("depth", "Messages waiting", "", (("depth", "waiting", 1),)),
    ("age", "Age of the oldest message", "s", (("age", "age", 1),)),
    ("throughput", "Throughput: invocations", "", (("done", "all", 1), ("errors", "failed", 1))),
    ("latency", "Latency: duration", "s", (("average", "average", 0.001), ("longest", "longest", 0.001))),
)


def charts(history: QueueHistory) -> list[Chart]:
    """Return the charts of one queue."""
    drawn = []
    for slug, title, unit, lines in CHARTS:
        points_by_label: dict[str, Points] = {
            label: [(instant, value and value * factor) for instant, value in history.points[key]]
            for key, label, factor in lines
        }
        drawn.append(draw(slug, title, unit, points_by_label))
    return drawn


def draw(slug: str, title: str, unit: str, points_by_label: Mapping[str, Points]) -> Chart:
    """Draw the lines of one chart, and fill its table with all rows that aren't zero or unknown."""
    series = list(points_by_label.values())
    top = axis_top(max((value for points in series for _, value in points if value is not None), default=0))
    lines = []
    for (label, points), dash, mark in zip(points_by_label.items(), DASHES, MARKS, strict=False):
        runs = list(split_at_gaps(points, top))
        strokes = [" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1]
        dots = [run[0] for run in runs if len(run) == 1]
        lines.append(Line(label=label, dash=dash, mark=mark, strokes=strokes, dots=dots))
    rows = []
    for row in reversed(list(zip(*series, strict=True))):
        values = [value for _, value in row]
        if any(values):
            rows.append((row[0][0], ["–" if value is None else with_unit(value, unit) for value in values]))
    levels = [top * tick / TICKS for tick in range(TICKS + 1)]
    return Chart(
        slug=slug,
        title=title,
        unit=unit,
        summary=summarize(points_by_label, unit),
        lines=lines,
        gridlines=[(height_of(level, top), with_unit(level, unit)) for level in levels],
        start=series[0][0][0],
        end=series[0][-1][0],
        headings=list(points_by_label),
        rows=rows,
    )


def summarize(points_by_label: Mapping[str, Points], unit: str) -> str:
    """Return the latest and the highest value of each line, in words."""
    parts = []
    for label, points in points_by_label.items():
        values = [value for _, value in points if value is not None]
        if values:
            latest, highest = with_unit(values[-1], unit), with_unit(max(values), unit)
            parts.append(f"{label}: latest {latest}, highest {highest}")
    return "; ".join(parts) or "CloudWatch has no data for this period. Choose a longer one, or look later."


def with_unit(value: float, unit: str) -> str:
    """Return a number with few digits, and its unit."""
    text = f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"
    return f"{text} {unit}".strip()


def axis_top(value: float) -> float:
    """Return the top of an axis: 1, 2 or 5 times a power of ten, and at least 1."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value)


def height_of(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - TOP), 1)


def split_at_gaps(points: Points, top: float) -> Iterator[list[tuple[float, float]]]:
    """Yield runs of points as coordinates. An unknown value ends a run."""
    run: list[tuple[float, float]] = []
    step = (WIDTH - 4 - LEFT) / max(len(points) - 1, 1)
    for number, (_, value) in enumerate(points):
        if value is not None:
            run.append((round(LEFT + number * step, 1), height_of(value, top)))
        elif run:
            yield run
            run = []
    if run:
        yield run
