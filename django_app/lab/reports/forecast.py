"""Forecast the coming months with Holt-Winters seasonal smoothing, whose parameters come from a grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

SEASON = 12
AHEAD = 3
GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
TRENDS = (0.0, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Fit:
    """One choice of parameters, its error, and its forecast of the coming months."""

    level: float
    trend: float
    season: float
    error: float  # Mean of the absolute one-month-ahead errors.
    ahead: tuple[float, ...]


def forecast(values: Sequence[float]) -> Fit | None:
    """Return the best fit in the grid, or None if there are fewer than two seasons."""
    if len(values) < 2 * SEASON:
        return None
    fits = (smooth(values, *parameters) for parameters in product(GRID, TRENDS, GRID))
    return min(fits, key=lambda fit: fit.error)


def smooth(values: Sequence[float], alpha: float, beta: float, gamma: float) -> Fit:
    """Smooth `values` with additive trend and season, which start from the first two seasons."""
    first = sum(values[:SEASON]) / SEASON
    second = sum(values[SEASON : 2 * SEASON]) / SEASON
    trend = (second - first) / SEASON
    # The mean of the first season is the level in its middle, half a season before its last month.
    middle = (SEASON - 1) / 2
    seasons = [value - first - trend * (month - middle) for month, value in enumerate(values[:SEASON])]
    level = first + trend * middle
    error = 0.0
    for index in range(SEASON, len(values)):
        value, season = values[index], seasons[index % SEASON]
        error += abs(value - level - trend - season)
        previous = level
        level = alpha * (value - season) + (1 - alpha) * (level + trend)
        trend = beta * (level - previous) + (1 - beta) * trend
        seasons[index % SEASON] = gamma * (value - level) + (1 - gamma) * season
    ahead = (
        max(0.0, level + trend * step + seasons[(len(values) + step - 1) % SEASON])
        for step in range(1, AHEAD + 1)
    )
    return Fit(alpha, beta, gamma, error / (len(values) - SEASON), tuple(ahead))
