"""Calls under way together: limited in number, in order, and independent of failures of others."""

import pytest

from django_offload.aws import begin_together


class Calls:
    """Records when each call starts and ends."""

    def __init__(self):
        self.steps, self.under_way, self.most = [], 0, 0

    def starter(self, number, *, fails=""):
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


CASES = [(0, 3, 0), (2, 3, 2), (3, 3, 3), (20, 3, 3), (5, 1, 1)]


@pytest.mark.parametrize(("count", "most", "reached"), CASES)
def test_the_number_of_calls_under_way_is_limited_and_results_keep_their_order(count, most, reached):
    calls = Calls()

    results = begin_together((calls.starter(number) for number in range(count)), most)()

    assert results == list(range(count))
    assert (calls.most, calls.under_way) == (reached, 0)


def test_the_next_call_starts_before_the_second_result_is_waited_for():
    calls = Calls()

    begin_together([calls.starter(number) for number in range(3)], 2)()

    assert calls.steps == [
        ("begin", 0),
        ("begin", 1),
        ("end", 0),
        ("begin", 2),
        ("end", 1),
        ("end", 2),
    ]


@pytest.mark.parametrize("fails", ["begin", "end"])
def test_an_exception_is_yielded_in_the_place_of_its_call(fails):
    calls = Calls()
    starters = [calls.starter(0), calls.starter(1, fails=fails), calls.starter(2)]

    first, failure, last = begin_together(starters)()

    assert (first, last) == (0, 2)
    assert (type(failure), failure.args) == (OSError, (1,))
