"""The forecast follows trend and season."""

import pytest

from lab.reports.forecast import forecast, smooth

SEASON = [90, 80, 85, 95, 100, 90, 70, 75, 95, 110, 140, 170]


def test_a_series_that_repeats_is_forecast_exactly():
    fit = forecast([float(value) for value in SEASON * 3])

    assert fit is not None
    assert fit.error == pytest.approx(0, abs=1e-9)
    assert fit.ahead == pytest.approx(SEASON[:3])


def test_a_series_that_grows_steadily_is_forecast_exactly():
    values = [value + 5.0 * index for index, value in enumerate(SEASON * 3)]

    fit = forecast(values)

    assert fit is not None
    assert fit.ahead == pytest.approx([value + 5 * (36 + index) for index, value in enumerate(SEASON[:3])])


def test_the_chosen_parameters_fit_best():
    values = [value * (1 + (index * 7919 % 11) / 40) for index, value in enumerate(SEASON * 3)]

    fit = forecast(values)

    assert fit is not None
    assert fit.error <= smooth(values, 0.3, 0.05, 0.4).error


def test_less_than_two_seasons_cannot_be_forecast():
    assert forecast([1.0] * 23) is None


def test_a_forecast_is_never_negative():
    fit = forecast([max(0.0, 100.0 - 5 * index) for index in range(30)])

    assert fit is not None
    assert min(fit.ahead) >= 0
