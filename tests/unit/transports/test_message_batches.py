"""Batches of messages: within the limits of SQS, with retries only of entries that it left out."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.aws import concurrent, within
from django_offload.transports.batches import MOST_BYTES, MOST_ENTRIES, batches, send_in_batches

SIZES = st.lists(st.sampled_from([0, 1, 500, 100_000, 262_144, 300_000, MOST_BYTES]), max_size=35)


class SQS:
    """Leaves out some entries, a number of times."""

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
    seconds = []
    monkeypatch.setattr(concurrent.time, "sleep", seconds.append)
    return seconds


def sent(sqs, count):
    return send_in_batches([f"text {number}" for number in range(count)], sqs.begin)()


@given(SIZES)
def test_batches_respect_the_limits_of_sqs_and_contain_every_text(sizes):
    entries = {number: "x" * size for number, size in enumerate(sizes)}

    parts = list(batches(entries))

    assert [number for batch in parts for number in batch] == list(entries)
    assert all(len(batch) <= MOST_ENTRIES for batch in parts)
    assert all(sum(map(len, batch.values())) <= MOST_BYTES for batch in parts)
    for first, second in pairwise(parts):
        following = len(next(iter(second.values())))
        assert len(first) == MOST_ENTRIES or sum(map(len, first.values())) + following > MOST_BYTES


def test_every_batch_starts_before_any_result_is_waited_for():
    sqs = SQS()
    end = send_in_batches(["x"] * 25, sqs.begin)

    assert [len(call) for call in sqs.calls] == [10, 10, 5]
    assert sqs.accepted == []
    assert end() == [None] * 25
    assert len(sqs.calls) == 3


def test_only_entries_that_were_left_out_are_sent_again(pauses):
    sqs = SQS(refused=[3, 12])

    assert sent(sqs, 15) == [None] * 15

    assert sqs.calls == [list(range(10)), list(range(10, 15)), [3, 12]]
    assert sorted(sqs.accepted) == list(range(15)), "each was accepted once"
    assert len(pauses) == 1


def test_entries_with_a_fault_of_the_sender_are_not_sent_again(pauses):
    sqs = SQS(faults=[1])

    failures = sent(sqs, 3)

    assert (failures[0], failures[2], sqs.calls, pauses) == (None, None, [[0, 1, 2]], [])
    assert str(failures[1]) == (
        "AWS left an entry out of SendMessageBatch: InvalidMessageContents, Look it up. Try again."
    )


def test_a_failed_call_fails_its_own_entries_and_is_not_retried(pauses):
    sqs = SQS(breaks=[4])

    failures = sent(sqs, 12)

    assert [type(failure) for failure in failures] == [OSError] * 10 + [type(None)] * 2
    assert (len(sqs.calls), pauses) == (2, [])


def test_pauses_grow_and_retries_end(pauses, monkeypatch):
    monkeypatch.setattr(concurrent.random, "random", lambda: 1.0)
    sqs = SQS(refused=[0], times=100)

    (failure,) = sent(sqs, 1)

    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6]
    assert len(sqs.calls) == 1 + concurrent.MOST_RETRIES
    assert "InternalError" in str(failure)


def test_no_retry_starts_if_too_little_time_is_left(pauses):
    sqs = SQS(refused=[0], times=100)

    with within(lambda: 0.5):
        assert sent(sqs, 1)[0] is not None

    assert len(sqs.calls) == 1
    assert pauses == []
