"""Count sales by month, product and region, and customers who return."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

type Key = tuple[int, int, int]  # Month, product, region.
type OrderLine = tuple[date, int, int, int, int, int]

MOVING_MONTHS = 3


def month_of(day: date) -> int:
    """Return the month as one number, so that the next month is the next number."""
    return day.year * 12 + day.month - 1


def month_name(month: int) -> str:
    return f"{month // 12}-{month % 12 + 1:02d}"


@dataclass(slots=True)
class Sales:
    """The orders of one month, product and region."""

    units: int = 0
    amounts: list[int] = field(default_factory=list)  # In cents. `close` sorts them.

    @property
    def revenue(self) -> int:
        return sum(self.amounts)

    def percentile(self, percent: int) -> int:
        """Return the smallest amount that `percent` of the orders don't exceed. Call it after `close`."""
        return self.amounts[max(0, -(-len(self.amounts) * percent // 100) - 1)]


@dataclass(slots=True)
class Figures:
    """All figures, counted order by order."""

    groups: dict[Key, Sales] = field(default_factory=lambda: defaultdict(Sales))
    visits: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # Customer: months.
    orders: int = 0

    def add(self, lines: Iterable[OrderLine]) -> None:
        """Count some orders."""
        groups, visits = self.groups, self.visits
        for placed_on, product, region, customer, quantity, amount in lines:
            month = month_of(placed_on)
            sales = groups[month, product, region]
            sales.units += quantity
            sales.amounts.append(amount)
            visits[customer].add(month)
            self.orders += 1

    def close(self) -> None:
        """Sort the amounts, from which percentiles are read."""
        for sales in self.groups.values():
            sales.amounts.sort()

    def months(self) -> range:
        """Return every month from the first to the last with an order."""
        seen = {month for month, _, _ in self.groups}
        return range(min(seen), max(seen) + 1) if seen else range(0)

    def series(self) -> dict[tuple[int, int], list[int]]:
        """Return the revenue by month for each product in each region."""
        months = self.months()
        result: dict[tuple[int, int], list[int]] = {}
        for (month, product, region), sales in self.groups.items():
            result.setdefault((product, region), [0] * len(months))[month - months.start] = sales.revenue
        return result

    def returned(self) -> float:
        """Return the share of customers who ordered again within the three months after their first."""
        returning = sum(
            any(min(months) < month <= min(months) + MOVING_MONTHS for month in months)
            for months in self.visits.values()
        )
        return returning / len(self.visits) if self.visits else 0.0


def moving_average(values: Sequence[int]) -> list[float]:
    """Return, for each month, the mean of that month and up to two months before it."""
    windows = (values[max(0, end - MOVING_MONTHS) : end] for end in range(1, len(values) + 1))
    return [sum(window) / len(window) for window in windows]
