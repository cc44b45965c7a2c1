"""From orders to a finished report: the same function in a request and in a task."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from time import perf_counter
from typing import Any

from ..models import Order, Product, Region
from .chart import LOOKS, Chart, draw_chart
from .csv_file import draw_csv, euros
from .figures import Figures, OrderLine, month_name, moving_average
from .forecast import AHEAD, forecast

CHUNK = 5_000
PERCENT_READ = 75
PERCENT_COUNTED = 85
PERCENT_FORECAST = 97

# Done, total, and what is being done.
type OnProgress = Callable[[int, int, str], object]


def nobody(done: int, total: int, message: str) -> None:
    """Hear of progress and do nothing: the default."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report: what fits a return value, and the files by name."""

    summary: dict[str, Any]
    files: dict[str, bytes]


def build_report(orders: int, on_progress: OnProgress = nobody) -> Report:
    """
    Return the report of the first `orders` orders.

    Read each order once; medians and percentiles need every amount, so the rows are counted here and
    not in SQL. Raise ValueError if there are no orders.
    """
    started = perf_counter()
    figures = _read(orders, on_progress)
    if not figures.orders:
        raise ValueError("There are no orders to report. Make some: manage.py seed_orders.")
    on_progress(PERCENT_READ, 100, "Sorting amounts")
    figures.close()
    on_progress(PERCENT_COUNTED, 100, "Forecasting")
    ahead = _forecast(figures, on_progress)
    on_progress(PERCENT_FORECAST, 100, "Drawing")
    files = _draw(figures, ahead)
    summary = _summary(figures, ahead) | {
        "files": sorted(files),
        "seconds": round(perf_counter() - started, 3),
    }
    on_progress(100, 100, "Report ready")
    return Report(summary, files)


def _read(orders: int, on_progress: OnProgress) -> Figures:
    figures = Figures()
    for chunk in batched(_lines(orders), CHUNK):
        figures.add(chunk)
        percent = figures.orders * PERCENT_READ // orders
        on_progress(percent, 100, f"Read {figures.orders:,} of {orders:,} orders")
    return figures


def _lines(orders: int) -> Iterator[OrderLine]:
    return (
        Order.objects.filter(pk__lte=orders)
        .order_by("pk")
        .values_list("placed_on", "product_id", "region_id", "customer", "quantity", "amount")
        .iterator(chunk_size=CHUNK)
    )


def _forecast(figures: Figures, on_progress: OnProgress) -> list[float]:
    """Return the revenue of the months to come: the sum over every product in every region."""
    series = figures.series()
    ahead = [0.0] * AHEAD
    for index, values in enumerate(series.values(), start=1):
        fit = forecast(values)
        if fit is not None:
            ahead = [total + value for total, value in zip(ahead, fit.ahead, strict=True)]
        if index % 24 == 0:
            percent = PERCENT_COUNTED + (PERCENT_FORECAST - PERCENT_COUNTED) * index // len(series)
            on_progress(percent, 100, f"Forecast {index} of {len(series)} series")
    return ahead


def _draw(figures: Figures, ahead: Sequence[float]) -> dict[str, bytes]:
    products: dict[int, str] = dict(Product.objects.values_list("pk", "name"))
    regions: dict[int, str] = dict(Region.objects.values_list("pk", "name"))
    by_region = _by_region(figures)
    totals = [sum(column) for column in zip(*by_region.values(), strict=True)]
    chart = Chart(
        months=figures.months(),
        regions={regions[pk]: [cents / 100 for cents in values] for pk, values in sorted(by_region.items())},
        average=[cents / 100 for cents in moving_average(totals)],
        ahead=[cents / 100 for cents in ahead],
    )
    charts = {name: draw_chart(chart, look) for name, look in LOOKS.items()}
    return {**charts, "report.csv": draw_csv(figures, products, regions)}


def _by_region(figures: Figures) -> dict[int, list[int]]:
    result: dict[int, list[int]] = {}
    for (_, region), values in figures.series().items():
        known = result.get(region, [0] * len(values))
        result[region] = [one + other for one, other in zip(known, values, strict=True)]
    return result


def _summary(figures: Figures, ahead: Sequence[float]) -> dict[str, Any]:
    months = figures.months()
    products: Counter[int] = Counter()
    for (_, product, _), sales in figures.groups.items():
        products[product] += sales.revenue
    best, _ = products.most_common(1)[0]
    return {
        "orders": figures.orders,
        "revenue": euros(products.total()),
        "months": f"{month_name(months[0])} to {month_name(months[-1])}",
        "customers": len(figures.visits),
        "returned_percent": round(figures.returned() * 100, 1),
        "best_product": Product.objects.get(pk=best).name,
        "next_month": euros(ahead[0]),
        "lines": len(figures.groups),
    }
