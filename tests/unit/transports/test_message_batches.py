"""Batches of messages: within what SQS takes, and again what it left out, and only that."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.aws import concurrent, within
from django_offload.transports.batches import MOST_BYTES, MOST_ENTRIES, batches, failures_of

SIZES = st.lists(st.sampled_from([0, 1, 500, 100_000, 262_144, 300_000, MOST_BYTES]), max_size=35)


class SQS:
    """Leaves out entries, as often as told."""

    def __init__(self, refused=(), faults=(), times=1, breaks=()):
        self.refused, self.faults, self.times, self.breaks = set(refused), set(faults), times, set(breaks)
        self.calls, self.accepted = [], []

    def begin(self, entries):
        self.calls.append(sorted(entries))
        return lambda: self.answer(entries)

    def answer(self, entries):
        if self.breaks & set(entries):
            raise OSError("no answer")
        refused = self.refused & set(entries) if len(self.calls) <= self.times + 1 else set()
        left_out = refused | (self.faults & set(entries))
        self.accepted += sorted(set(entries) - left_out)
        return {"Failed": [self.entry(number) for number in sorted(left_out)]}

    def entry(self, number):
        fault = number in self.faults
        code = "InvalidMessageContents" if fault else "InternalError"
        return {"Id": str(number), "SenderFault": fault, "Code": code, "Message": "Look it up."}


@pytest.fixture
def pauses(monkeypatch):
    found = []
    monkeypatch.setattr(concurrent.time, "sleep", found.append)
    return found


def sent(sqs, count):
    return failures_of([f"text {number}" for number in range(count)], sqs.begin)()


@given(SIZES)
def test_each_batch_is_as_large_as_sqs_takes_and_no_text_is_missing(sizes):
    entries = {number: "x" * size for number, size in enumerate(sizes)}

    found = list(batches(entries))

    assert [number for batch in found for number in batch] == list(entries)
    assert all(len(batch) <= MOST_ENTRIES for batch in found)
    assert all(sum(map(len, batch.values())) <= MOST_BYTES for batch in found)
    for first, second in pairwise(found):
        following = len(next(iter(second.values())))
        assert len(first) == MOST_ENTRIES or sum(map(len, first.values())) + following > MOST_BYTES


def test_every_batch_has_begun_before_any_answer_is_waited_for():
    sqs = SQS()
    end = failures_of(["x"] * 25, sqs.begin)

    assert [len(call) for call in sqs.calls] == [10, 10, 5]
    assert sqs.accepted == []
    assert end() == [None] * 25
    assert len(sqs.calls) == 3


def test_what_was_left_out_is_sent_again_alone(pauses):
    sqs = SQS(refused=[3, 12])

    assert sent(sqs, 15) == [None] * 15

    assert sqs.calls == [list(range(10)), list(range(10, 15)), [3, 12]]
    assert sorted(sqs.accepted) == list(range(15)), "each was accepted once"
    assert len(pauses) == 1


def test_what_the_sender_did_wrong_is_not_sent_again(pauses):
    sqs = SQS(faults=[1])

    found = sent(sqs, 3)

    assert (found[0], found[2], sqs.calls, pauses) == (None, None, [[0, 1, 2]], [])
    assert str(found[1]) == (
        "AWS rejected an entry of SendMessageBatch: InvalidMessageContents, Look it up. Try again."
    )


def test_a_call_that_fails_is_the_failure_of_its_own_entries_and_not_repeated(pauses):
    sqs = SQS(breaks=[4])

    found = sent(sqs, 12)

    assert [type(failure) for failure in found] == [OSError] * 10 + [type(None)] * 2
    assert (len(sqs.calls), pauses) == (2, [])


def test_pauses_grow_and_end_with_the_rounds(pauses, monkeypatch):
    monkeypatch.setattr(concurrent.random, "random", lambda: 1.0)
    sqs = SQS(refused=[0], times=100)

    (failure,) = sent(sqs, 1)

    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6]
    assert len(sqs.calls) == 1 + concurrent.MOST_ROUNDS
    assert "InternalError" in str(failure)


def test_no_round_begins_that_the_time_left_does_not_allow(pauses):
    sqs = SQS(refused=[0], times=100)

    with within(lambda: 0.5):
        assert sent(sqs, 1)[0] is not None

    assert len(sqs.calls) == 1
    assert pauses == []
