"""Write the report as a CSV file: one line for each month, product and region."""

import csv
from collections.abc import Mapping
from io import StringIO

from .figures import Figures, month_name, moving_average

HEADER = (
    "month",
    "product",
    "region",
    "orders",
    "units",
    "revenue",
    "median_order",
    "p90_order",
    "revenue_moving_average",
)


def euros(cents: float) -> str:
    return f"{cents / 100:.2f}"


def render_csv(figures: Figures, products: Mapping[int, str], regions: Mapping[int, str]) -> bytes:
    """Return the file, sorted by month, product and region."""
    averages = {key: moving_average(values) for key, values in figures.series().items()}
    start = figures.months().start
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for (month, product, region), sales in sorted(figures.groups.items()):
        writer.writerow(
            (
                month_name(month),
                products[product],
                regions[region],
                len(sales.amounts),
                sales.units,
                euros(sales.revenue),
                euros(sales.percentile(50)),
                euros(sales.percentile(90)),
                euros(averages[product, region][month - start]),
            )
        )
    return out.getvalue().encode()
