"""Nested time limits: the shorter one applies."""

import pytest

from django_offload.aws import at_most, within
from django_offload.aws.time_budget import seconds_left


def long():
    return within(lambda: 60.0)


def short():
    return within(lambda: 1.0)


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (lambda: at_most(60.0), lambda: at_most(1.0)),
        (lambda: at_most(1.0), lambda: at_most(60.0)),
        (long, lambda: at_most(1.0)),
        (short, lambda: at_most(60.0)),
        (lambda: at_most(60.0), short),
        (lambda: at_most(1.0), long),
        (long, short),
        (short, long),
    ],
)
def test_the_shorter_of_two_limits_applies_inside_and_the_outer_one_afterwards(outer, inner):
    with outer():
        alone = seconds_left()
        with inner():
            assert seconds_left() <= 1.0
        assert seconds_left() == pytest.approx(alone, abs=1.0)

    assert seconds_left() is None
