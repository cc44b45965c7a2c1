"""Draw the report as a chart: revenue by month, stacked by region, with its average and a forecast."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .figures import month_name

HEIGHT = 420
LEFT, RIGHT, BOTTOM = 64, 12, 34
LEGEND_ROW = 22
# Distinct for colour-blind readers too (Okabe and Ito, adjusted for light and dark backgrounds).
COLOURS = ("#3b7dd8", "#e39b32", "#2f9e77", "#c8553d", "#8d6cc9", "#58a6c4")


@dataclass(frozen=True, slots=True)
class Look:
    """The width and colours of one variant. An image can't adapt to its page or to the colour scheme."""

    width: int
    legend_rows: int
    text: str
    grid: str
    line: str

    @property
    def top(self) -> int:
        return 16 + LEGEND_ROW * self.legend_rows


LOOKS = {
    "chart.svg": Look(960, 1, text="#4a5260", grid="#dde1e7", line="#1c2330"),
    "chart-dark.svg": Look(960, 1, text="#aab3c0", grid="#313946", line="#f2f4f7"),
    "chart-narrow.svg": Look(460, 2, text="#4a5260", grid="#dde1e7", line="#1c2330"),
    "chart-narrow-dark.svg": Look(460, 2, text="#aab3c0", grid="#313946", line="#f2f4f7"),
}


@dataclass(frozen=True, slots=True)
class Chart:
    """The values of a chart, in euros."""

    months: range
    regions: Mapping[str, Sequence[float]]  # Revenue by month.
    average: Sequence[float]
    ahead: Sequence[float]  # The forecast of the months after the last.


def draw_chart(chart: Chart, look: Look) -> bytes:
    """Return the chart as SVG without style sheets, because the content security policy would block them."""
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {look.width} {HEIGHT}" width="{look.width}" '
        f'height="{HEIGHT}" font-family="system-ui, sans-serif" font-size="13" fill="{look.text}">',
        "<title>Revenue by month and region, in thousands of euros</title>",
        *Drawing(chart, look).parts(),
        "</svg>",
    )
    return "\n".join(parts).encode()


class Drawing:
    """Convert months and euros into coordinates, and draw each part of the chart."""

    def __init__(self, chart: Chart, look: Look) -> None:
        self.chart, self.look = chart, look
        totals = [sum(column) for column in zip(*chart.regions.values(), strict=True)]
        self.step = round_step(max([*totals, *chart.ahead, 1]) / 4)
        self.top = self.step * -(-max([*totals, *chart.ahead, 1]) // self.step)
        self.slot = (self.look.width - LEFT - RIGHT) / max(1, len(chart.months) + len(chart.ahead))

    def parts(self) -> Iterator[str]:
        yield from self.grid()
        yield from self.bars()
        yield from self.forecast_bars()
        yield from self.average_line()
        yield from self.month_labels()
        yield from self.legend()

    def x(self, index: float) -> float:
        return LEFT + index * self.slot

    def y(self, euros: float) -> float:
        return HEIGHT - BOTTOM - euros / self.top * (HEIGHT - self.look.top - BOTTOM)

    def grid(self) -> Iterator[str]:
        value = 0.0
        while value <= self.top:
            y = self.y(value)
            yield f'<path d="M{LEFT} {y:.1f}H{self.look.width - RIGHT}" stroke="{self.look.grid}"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value / 1000:,g}k</text>'
            value += self.step

    def bars(self) -> Iterator[str]:
        base = [0.0] * len(self.chart.months)
        for colour, values in zip(COLOURS, self.chart.regions.values(), strict=False):
            for index, value in enumerate(values):
                yield self.bar(index, base[index], base[index] + value, f'fill="{colour}"')
                base[index] += value

    def forecast_bars(self) -> Iterator[str]:
        look = f'fill="none" stroke="{self.look.text}" stroke-dasharray="3 3"'
        for index, value in enumerate(self.chart.ahead, start=len(self.chart.months)):
            yield self.bar(index, 0, value, look)

    def bar(self, index: int, low: float, high: float, look: str) -> str:
        x, y = self.x(index + 0.12), self.y(high)
        return (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{self.slot * 0.76:.1f}" '
            f'height="{self.y(low) - y:.1f}" {look}/>'
        )

    def average_line(self) -> Iterator[str]:
        points = " ".join(
            f"{self.x(index + 0.5):.1f},{self.y(value):.1f}" for index, value in enumerate(self.chart.average)
        )
        yield f'<polyline points="{points}" fill="none" stroke="{self.look.line}" stroke-width="2"/>'

    def month_labels(self) -> Iterator[str]:
        for index, month in enumerate(self.chart.months):
            if month % 6 == 0:
                yield f'<text x="{self.x(index):.1f}" y="{HEIGHT - 12}">{month_name(month)}</text>'

    def legend(self) -> Iterator[str]:
        x, y = float(LEFT), 20.0
        dashes = f'fill="none" stroke="{self.look.text}" stroke-dasharray="3 3"'
        marks = [
            (name, f'fill="{colour}"') for colour, name in zip(COLOURS, self.chart.regions, strict=False)
        ]
        for name, mark in (*marks, ("forecast", dashes), ("3-month average", "")):
            width = 36 + 7.5 * len(name)
            if x + width > self.look.width:
                x, y = float(LEFT), y + LEGEND_ROW
            if mark:
                yield f'<rect x="{x:.0f}" y="{y - 6:.0f}" width="12" height="12" {mark}/>'
            else:
                yield f'<path d="M{x - 3:.0f} {y:.0f}h18" stroke="{self.look.line}" stroke-width="2"/>'
            yield f'<text x="{x + 18:.0f}" y="{y + 5:.0f}">{escape(name)}</text>'
            x += width


def round_step(value: float) -> float:
    """Return the smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `value`."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= value)
