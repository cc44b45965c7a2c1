"""Generate orders from a fixed seed, so that they are the same on every machine."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from .catalogue import CUSTOMERS, FIRST_YEAR, GROWTH_PER_YEAR, PRODUCTS, REGIONS, SEASON, YEARS
from .models import Order, Product, Region

FIRST_RUN: int = settings.LAB_ORDERS
# Every batch has its own seed, so that order 731,204 is the same among 1 or 3 million orders.
BATCH = 10_000
SEED = 20260101

COLUMNS = ("id", "placed_on", "product_id", "region_id", "customer", "quantity", "amount")
INSERT = f"INSERT INTO lab_order ({', '.join(COLUMNS)}) VALUES ({', '.join(['%s'] * len(COLUMNS))})"  # noqa: S608

type OrderRow = tuple[int, str, int, int, int, int, int]
type OnProgress = Callable[[int, int], object]


def seeded() -> int:
    """Return the number of orders in the shop."""
    return Order.objects.aggregate(last=Max("pk"))["last"] or 0


def seed(orders: int, on_progress: OnProgress = lambda done, total: None) -> int:
    """Add the missing orders until the shop has `orders` of them, and return how many were added."""
    seed_catalogue()
    before = seeded()
    for first in range(before - before % BATCH, orders, BATCH):
        rows = [row for row in batch(first) if before < row[0] <= orders]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(INSERT, rows)
        on_progress(min(first + BATCH, orders), orders)
    return max(0, orders - before)


def seed_catalogue() -> None:
    """Create the missing regions and products."""
    Region.objects.bulk_create(
        [Region(pk=pk, name=name) for pk, name in enumerate(REGIONS, start=1)], ignore_conflicts=True
    )
    Product.objects.bulk_create(
        [
            Product(pk=pk, name=name, category=category, price=price)
            for pk, (category, name, price) in enumerate(_products(), start=1)
        ],
        ignore_conflicts=True,
    )


def batch(first: int) -> Iterator[OrderRow]:
    """Yield the orders with ids `first` + 1 to `first` + BATCH."""
    random = Random(f"{SEED}:{first}")  # noqa: S311
    days = random.choices(_DAYS, cum_weights=_DAY_WEIGHTS, k=BATCH)
    products = random.choices(range(len(_PRICES)), cum_weights=_PRODUCT_WEIGHTS, k=BATCH)
    regions = random.choices(range(1, len(REGIONS) + 1), cum_weights=_REGION_WEIGHTS, k=BATCH)
    quantities = random.choices((1, 2, 3, 4, 6, 12), weights=(52, 24, 10, 6, 5, 3), k=BATCH)
    percents = random.choices((100, 95, 90, 80), weights=(70, 14, 10, 6), k=BATCH)
    for index in range(BATCH):
        # The square root makes some customers order often, and most of them rarely.
        customer = int(CUSTOMERS * (1 - random.random() ** 0.5)) + 1
        product, quantity = products[index], quantities[index]
        amount = _PRICES[product] * quantity * percents[index] // 100
        yield first + index + 1, days[index], product + 1, regions[index], customer, quantity, amount


def _products() -> Iterator[tuple[str, str, int]]:
    for category, items in PRODUCTS.items():
        for name, price, _ in items:
            yield category, name, price


def _day_weights() -> Iterator[tuple[str, float]]:
    day = date(FIRST_YEAR, 1, 1)
    while day.year < FIRST_YEAR + YEARS:
        weekend = 1.3 if day.weekday() >= 5 else 1.0
        growth = GROWTH_PER_YEAR ** ((day - date(FIRST_YEAR, 1, 1)).days / 365)
        yield day.isoformat(), SEASON[day.month - 1] * weekend * growth
        day += timedelta(days=1)


_DAYS = [day for day, _ in _day_weights()]
_DAY_WEIGHTS = list(accumulate(weight for _, weight in _day_weights()))
_PRICES = [price for _, _, price in _products()]
_PRODUCT_WEIGHTS = list(accumulate(weight for items in PRODUCTS.values() for _, _, weight in items))
_REGION_WEIGHTS = list(accumulate(REGIONS.values()))
