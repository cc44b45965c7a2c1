"""What the section on pages makes of what was measured."""

from dataclasses import replace

import pytest

from tests.benchmarks.sections.pages import Measured, figures, orders_for, rating

SLOW = {"server": 2_000.0, "ttfb": 2_010.0, "painted": 2_200.0, "fcp": 2_100.0, "lcp": 2_150.0, "inp": 24.0}
QUICK = {"server": 12.0, "ttfb": 20.0, "painted": 90.0, "fcp": 60.0, "lcp": 70.0, "inp": 24.0}
LONGER = {**SLOW, "server": 3_000.0, "ttfb": 3_010.0, "fcp": 3_100.0, "lcp": 3_150.0}
FOUND = Measured(
    orders=100_000,
    ways={"request": SLOW, "offload": QUICK},
    longer_orders=150_000,
    longer={"request": LONGER, "offload": QUICK},
    crowd={"request": 4_000.0, "offload": 300.0},
    lighthouse={"performance": 96.0, "accessibility": 100.0, "best-practices": 94.0},
)


@pytest.mark.parametrize(
    ("tried", "orders"),
    [
        ([(50_000, 1_000.0), (200_000, 3_700.0)], 106_000),
        ([(50_000, 200.0), (200_000, 500.0)], 950_000),
        ([(50_000, 9_000.0), (200_000, 30_000.0)], 1_000),
    ],
)
def test_orders_are_chosen_by_the_time_that_others_took(tried: list[tuple[int, float]], orders: int):
    assert str(orders_for(2_000, tried)) == str(orders), "a whole number"


@pytest.mark.parametrize(
    ("metric", "value", "word"),
    [
        ("lcp", 2_500, "good"),
        ("lcp", 2_501, "needs improvement"),
        ("fcp", 3_000, "needs improvement"),
        ("ttfb", 1_801, "poor"),
    ],
)
def test_ratings_are_googles(metric: str, value: float, word: str):
    assert rating(metric, value) == word


def test_figures_say_what_was_reached_and_what_was_not():
    reached = {figure.name: figure.reached for figure in figures(FOUND)}

    assert reached == {
        "offloaded, TTFB of the POST, of that in the request": True,
        "offloaded, click to painted answer": True,
        "a trivial page while 8 visitors run the work": True,
        "offloaded, FCP of the answer: good": True,
        "in the request, FCP: not good": True,
        "offloaded, LCP of the answer: good": True,
        "in the request, LCP: not good": False,
        "offloaded with about 3 s of work, FCP of the answer: good": True,
        "in the request with about 3 s of work, FCP: not good": True,
        "offloaded with about 3 s of work, LCP of the answer: good": True,
        "in the request with about 3 s of work, LCP: not good": True,
        "Lighthouse, performance": True,
        "Lighthouse, accessibility": True,
        "Lighthouse, best-practices": False,
    }


@pytest.mark.parametrize(("lcp", "reached"), [(2_500.4, False), (2_501.0, True), (4_200.0, True)])
def test_in_the_request_what_is_good_does_not_count(lcp: float, reached: bool):
    found = replace(FOUND, ways={**FOUND.ways, "request": {**SLOW, "lcp": lcp}})

    (figure,) = [one for one in figures(found) if one.name == "in the request, LCP: not good"]
    assert figure.reached is reached
