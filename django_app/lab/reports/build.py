"""Build a report from orders, with the same function in a request and in a task."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched
from time import perf_counter
from typing import Any

from ..models import Order, Product, Region
from .chart import LOOKS, Chart, draw_chart
from .csv_file import euros, render_csv
from .figures import Figures, month_name, moving_average
from .forecast import AHEAD, forecast

CHUNK = 5_000
PERCENT_READ = 75
PERCENT_COUNTED = 85
PERCENT_FORECAST = 97

# Done, total, and a message for the visitor.
type OnProgress = Callable[[int, int, str], object]


def ignore_progress(done: int, total: int, message: str) -> None:
    """Do nothing. This is the default."""


@dataclass(frozen=True, slots=True)
class Report:
    """A finished report: a summary that fits into a return value, and its files by name."""

    summary: dict[str, Any]
    files: dict[str, bytes]


def build_report(orders: int, on_progress: OnProgress = ignore_progress) -> Report:
    """
    Return the report of the first `orders` orders.

    Read each order once. Medians and percentiles need every amount, so this code counts the rows, not SQL.
    Raise ValueError if there are no orders.
    """
    started = perf_counter()
    figures = read_figures(orders, on_progress)
    if not figures.orders:
        raise ValueError("There are no orders to report. Make some: manage.py seed_orders.")
    on_progress(PERCENT_READ, 100, "Sorting amounts")
    figures.close()
    on_progress(PERCENT_COUNTED, 100, "Forecasting")
    ahead = forecast_revenue(figures, on_progress)
    on_progress(PERCENT_FORECAST, 100, "Drawing")
    files = draw_files(figures, ahead)
    summary = summarise(figures, ahead) | {
        "files": sorted(files),
        "seconds": round(perf_counter() - started, 3),
    }
    on_progress(100, 100, "Report ready")
    return Report(summary, files)


def read_figures(orders: int, on_progress: OnProgress) -> Figures:
    lines = (
        Order.objects.filter(pk__lte=orders)
        .order_by("pk")
        .values_list("placed_on", "product_id", "region_id", "customer", "quantity", "amount")
        .iterator(chunk_size=CHUNK)
    )
    figures = Figures()
    for chunk in batched(lines, CHUNK):
        figures.add(chunk)
        percent = figures.orders * PERCENT_READ // orders
        on_progress(percent, 100, f"Read {figures.orders:,} of {orders:,} orders")
    return figures


def forecast_revenue(figures: Figures, on_progress: OnProgress) -> list[float]:
    """Return the revenue of the coming months: the sum of the forecasts for every product in every region."""
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


def draw_files(figures: Figures, ahead: Sequence[float]) -> dict[str, bytes]:
    """Return the charts and the CSV file by name."""
    products: dict[int, str] = dict(Product.objects.values_list("pk", "name"))
    regions: dict[int, str] = dict(Region.objects.values_list("pk", "name"))
    by_region: dict[int, list[int]] = {}
    for (_, region), values in figures.series().items():
        sums = by_region.get(region, [0] * len(values))
        by_region[region] = [total + value for total, value in zip(sums, values, strict=True)]
    totals = [sum(column) for column in zip(*by_region.values(), strict=True)]
    chart = Chart(
        months=figures.months(),
        regions={regions[pk]: [cents / 100 for cents in values] for pk, values in sorted(by_region.items())},
        average=[cents / 100 for cents in moving_average(totals)],
        ahead=[cents / 100 for cents in ahead],
    )
    charts = {name: draw_chart(chart, look) for name, look in LOOKS.items()}
    return {**charts, "report.csv": render_csv(figures, products, regions)}


def summarise(figures: Figures, ahead: Sequence[float]) -> dict[str, Any]:
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
