"""The report as a picture: revenue by month, stacked by region, with its average and what is to come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from .figures import month_name

WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 44, 34
# Distinct for the colour blind too (Okabe and Ito, toned for either background).
COLOURS = ("#3b7dd8", "#e39b32", "#2f9e77", "#c8553d", "#8d6cc9", "#58a6c4")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of text and lines: the chart is an image, which cannot know the page's."""

    text: str
    grid: str
    line: str


LIGHT = Palette(text="#4a5260", grid="#dde1e7", line="#1c2330")
DARK = Palette(text="#aab3c0", grid="#313946", line="#f2f4f7")


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, in whole euros."""

    months: range
    regions: Mapping[str, Sequence[float]]  # Revenue by month.
    average: Sequence[float]
    ahead: Sequence[float]  # The months after the last.


def draw_chart(chart: Chart, palette: Palette) -> bytes:
    """Return the chart as SVG, with attributes only: style sheets would need a policy of their own."""
    parts = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="system-ui, sans-serif" font-size="13" fill="{palette.text}">',
        "<title>Revenue by month and region, in thousands of euros</title>",
        *_Drawing(chart, palette).parts(),
        "</svg>",
    )
    return "\n".join(parts).encode()


class _Drawing:
    """Turns months and euros into places on the picture."""

    def __init__(self, chart: Chart, palette: Palette) -> None:
        self.chart, self.palette = chart, palette
        totals = [sum(column) for column in zip(*chart.regions.values(), strict=True)]
        self.step = round_step(max([*totals, *chart.ahead, 1]) / 4)
        self.top = self.step * -(-max([*totals, *chart.ahead, 1]) // self.step)
        self.slot = (WIDTH - LEFT - RIGHT) / max(1, len(chart.months) + len(chart.ahead))

    def parts(self) -> Iterator[str]:
        yield from self._grid()
        yield from self._bars()
        yield from self._ahead()
        yield from self._average()
        yield from self._months()
        yield from self._legend()

    def x(self, index: float) -> float:
        return LEFT + index * self.slot

    def y(self, euros: float) -> float:
        return HEIGHT - BOTTOM - euros / self.top * (HEIGHT - TOP - BOTTOM)

    def _grid(self) -> Iterator[str]:
        value = 0.0
        while value <= self.top:
            y = self.y(value)
            yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{self.palette.grid}"/>'
            yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value / 1000:,g}k</text>'
            value += self.step

    def _bars(self) -> Iterator[str]:
        base = [0.0] * len(self.chart.months)
        for colour, values in zip(COLOURS, self.chart.regions.values(), strict=False):
            for index, value in enumerate(values):
                yield self._bar(index, base[index], base[index] + value, f'fill="{colour}"')
                base[index] += value

    def _ahead(self) -> Iterator[str]:
        look = f'fill="none" stroke="{self.palette.text}" stroke-dasharray="3 3"'
        for index, value in enumerate(self.chart.ahead, start=len(self.chart.months)):
            yield self._bar(index, 0, value, look)

    def _bar(self, index: int, low: float, high: float, look: str) -> str:
        x, y = self.x(index + 0.12), self.y(high)
        return (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{self.slot * 0.76:.1f}" '
            f'height="{self.y(low) - y:.1f}" {look}/>'
        )

    def _average(self) -> Iterator[str]:
        points = " ".join(
            f"{self.x(index + 0.5):.1f},{self.y(value):.1f}" for index, value in enumerate(self.chart.average)
        )
        yield f'<polyline points="{points}" fill="none" stroke="{self.palette.line}" stroke-width="2"/>'

    def _months(self) -> Iterator[str]:
        for index, month in enumerate(self.chart.months):
            if month % 6 == 0:
                yield f'<text x="{self.x(index):.1f}" y="{HEIGHT - 12}">{month_name(month)}</text>'

    def _legend(self) -> Iterator[str]:
        x = float(LEFT)
        for colour, name in zip(COLOURS, self.chart.regions, strict=False):
            yield f'<rect x="{x:.0f}" y="14" width="12" height="12" fill="{colour}"/>'
            yield f'<text x="{x + 17:.0f}" y="25">{escape(name)}</text>'
            x += 36 + 7.5 * len(name)
        yield f'<path d="M{x:.0f} 20h18" stroke="{self.palette.line}" stroke-width="2"/>'
        yield f'<text x="{x + 24:.0f}" y="25">3-month average</text>'
        x += 152
        yield (
            f'<rect x="{x:.0f}" y="14" width="12" height="12" fill="none" '
            f'stroke="{self.palette.text}" stroke-dasharray="3 3"/>'
        )
        yield f'<text x="{x + 18:.0f}" y="25">forecast</text>'


def round_step(value: float) -> float:
    """Return the least of 1, 2, 2.5, 5 times a power of ten that is not below `value`."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= value)
