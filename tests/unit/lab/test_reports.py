"""Compare the report's figures with a second, simpler computation."""

import csv
from collections import Counter
from io import StringIO
from statistics import median_low
from xml.etree import ElementTree as ET

import pytest

from lab import seeding
from lab.models import Order
from lab.reports.build import Report, build_report
from lab.reports.figures import month_name, month_of, moving_average

pytestmark = pytest.mark.django_db

ORDERS = 3_000


@pytest.fixture(autouse=True)
def _coarse_forecast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try few parameters, because the forecast takes most of the time of a small report."""
    monkeypatch.setattr("lab.reports.forecast.GRID", (0.3,))


@pytest.fixture
def report() -> Report:
    seeding.seed(ORDERS + 40)
    return build_report(ORDERS)


def lines(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(report.files["report.csv"].decode())))


def test_the_summary_counts_the_first_orders_and_no_more(report: Report):
    orders = Order.objects.filter(pk__lte=ORDERS)

    assert report.summary["orders"] == ORDERS
    assert report.summary["revenue"] == f"{sum(orders.values_list('amount', flat=True)) / 100:.2f}"
    assert report.summary["customers"] == orders.values("customer").distinct().count()


def test_the_best_product_has_the_largest_revenue(report: Report):
    revenue: Counter[str] = Counter()
    for name, amount in Order.objects.filter(pk__lte=ORDERS).values_list("product__name", "amount"):
        revenue[name] += amount

    assert report.summary["best_product"] == revenue.most_common(1)[0][0]


def test_the_csv_has_a_line_for_each_month_product_and_region_with_orders(report: Report):
    groups = {
        (f"{day:%Y-%m}", product, region)
        for day, product, region in Order.objects.filter(pk__lte=ORDERS).values_list(
            "placed_on", "product__name", "region__name"
        )
    }

    assert {(line["month"], line["product"], line["region"]) for line in lines(report)} == groups
    assert report.summary["lines"] == len(groups) == len(lines(report))


def test_a_line_of_the_csv_has_units_revenue_median_and_percentile(report: Report):
    line = max(lines(report), key=lambda line: int(line["orders"]))
    year, month = line["month"].split("-")
    orders = Order.objects.filter(
        pk__lte=ORDERS,
        placed_on__year=year,
        placed_on__month=month,
        product__name=line["product"],
        region__name=line["region"],
    )
    amounts = sorted(orders.values_list("amount", flat=True))

    assert int(line["orders"]) == len(amounts) > 3
    assert int(line["units"]) == sum(orders.values_list("quantity", flat=True))
    assert float(line["revenue"]) == sum(amounts) / 100
    assert float(line["median_order"]) == median_low(amounts) / 100
    assert sum(amount <= round(float(line["p90_order"]) * 100) for amount in amounts) >= 0.9 * len(amounts)


def test_customers_count_as_returned_within_the_three_months_after_their_first(report: Report):
    months: dict[int, set[int]] = {}
    for customer, day in Order.objects.filter(pk__lte=ORDERS).values_list("customer", "placed_on"):
        months.setdefault(customer, set()).add(day.year * 12 + day.month)
    returned = [
        customer for customer, seen in months.items() if seen & {min(seen) + step for step in (1, 2, 3)}
    ]

    assert report.summary["returned_percent"] == round(100 * len(returned) / len(months), 1) > 0


def test_progress_only_grows_and_ends_at_its_total():
    seeding.seed(12_000)
    seen: list[tuple[int, int, str]] = []

    build_report(12_000, lambda done, total, message: seen.append((done, total, message)))

    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert seen[-1] == (100, 100, "Report ready")
    assert any("Read 10,000 of 12,000 orders" in message for _, _, message in seen)


def test_a_report_without_orders_says_how_to_make_some():
    with pytest.raises(ValueError, match=r"manage\.py seed_orders"):
        build_report(10)


def test_the_charts_are_xml_without_styles_or_scripts(report: Report):
    charts = {name: data for name, data in report.files.items() if name.endswith(".svg")}

    assert len(charts) == 4
    for data in charts.values():
        tags = [element.tag.rpartition("}")[2] for element in ET.fromstring(data).iter()]  # noqa: S314
        assert tags.count("rect") > 36 * 5
        assert not {"style", "script"} & set(tags)
        assert b"style=" not in data


def test_months_are_consecutive_numbers():
    january = month_of(Order(placed_on=seeding.date(2024, 1, 31)).placed_on)

    assert month_name(january) == "2024-01"
    assert month_name(january - 1) == "2023-12"


def test_the_moving_average_starts_with_fewer_months():
    assert moving_average([3, 5, 10, 30]) == [3, 4, 6, 15]
