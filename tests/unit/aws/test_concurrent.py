"""Calls under way together: bounded, in order, and one that fails stops no other."""

import pytest

from django_offload.aws import together


class Calls:
    """Notes when each begins and ends."""

    def __init__(self):
        self.steps, self.under_way, self.most = [], 0, 0

    def beginning(self, number, *, fails=""):
        def begin():
            if fails == "begin":
                raise OSError(number)
            self.steps.append(("begin", number))
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            return end

        def end():
            self.steps.append(("end", number))
            self.under_way -= 1
            if fails == "end":
                raise OSError(number)
            return number

        return begin


EACH = [(0, 3, 0), (2, 3, 2), (3, 3, 3), (20, 3, 3), (5, 1, 1)]


@pytest.mark.parametrize(("count", "most", "reached"), EACH)
def test_at_most_so_many_are_under_way_and_results_keep_their_order(count, most, reached):
    calls = Calls()

    found = list(together((calls.beginning(number) for number in range(count)), most))

    assert found == list(range(count))
    assert (calls.most, calls.under_way) == (reached, 0)


def test_the_next_begins_before_the_second_is_waited_for():
    calls = Calls()

    list(together([calls.beginning(number) for number in range(3)], 2))

    assert calls.steps == [
        ("begin", 0),
        ("begin", 1),
        ("end", 0),
        ("begin", 2),
        ("end", 1),
        ("end", 2),
    ]


@pytest.mark.parametrize("fails", ["begin", "end"])
def test_one_that_fails_is_told_in_its_place(fails):
    calls = Calls()
    beginnings = [calls.beginning(0), calls.beginning(1, fails=fails), calls.beginning(2)]

    first, failure, last = together(beginnings)

    assert (first, last) == (0, 2)
    assert (type(failure), failure.args) == (OSError, (1,))
