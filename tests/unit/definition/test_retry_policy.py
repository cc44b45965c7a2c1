"""Whether and when a failed attempt is followed by another."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_offload.definition.retry_policy import LONGEST_BACKOFF, RetryPolicy
from tests.contract import tasks as plain
from tests.unit import tasks


def policy(task=tasks.double, queue_attempts=3, **changed):
    return RetryPolicy.of(task, max_attempts=queue_attempts, changed=changed)


def test_by_default_an_exception_ends_the_task():
    assert not policy().retries(ValueError(), 1)
    assert policy().max_attempts == 3
    assert not policy(plain.nothing).retries(OSError(), 1)


def test_max_attempts_makes_exceptions_retried():
    changed_by_using = policy(max_attempts=2)

    assert changed_by_using.retries(ValueError(), 1)
    assert not changed_by_using.retries(ValueError(), 2)
    assert not changed_by_using.retries(SystemExit(), 1)


def test_no_retry_on_wins_over_retry_on():
    assert policy(tasks.send).retries(ConnectionError(), 1)
    assert policy(tasks.send).retries(ConnectionError(), 4)
    assert not policy(tasks.send).retries(ConnectionError(), 5)
    assert not policy(tasks.send).retries(FileNotFoundError(), 1)
    assert not policy(tasks.send).retries(ValueError(), 1)


def test_classes_named_in_a_message_are_compared_by_path():
    changed = policy(max_attempts=5, retry_on=["does.not.exist", "builtins.LookupError"], no_retry_on=[])

    assert changed.retries(KeyError(), 1)
    assert not changed.retries(OSError(), 1)


def test_a_class_is_not_looked_for_inside_a_group():
    group = ExceptionGroup("two", [ConnectionError()])

    assert policy(tasks.send).retries(ConnectionError(), 1)
    assert not policy(tasks.send).retries(group, 1)
    assert policy(max_attempts=2, retry_on=["builtins.ExceptionGroup"]).retries(group, 1)


def test_the_backoff_doubles_up_to_fifteen_minutes():
    delays = [policy(tasks.double).delay(attempt, chance=1.0) for attempt in range(1, 13)]

    assert [delay.total_seconds() for delay in delays] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


@pytest.mark.parametrize("backoff", [0, 0.001, 1, 1e6, timedelta(days=900)])
def test_attempt_two_thousand_does_not_overflow(backoff):
    delay = policy(backoff=backoff).delay(2_000, chance=1.0)

    assert timedelta(0) <= delay <= LONGEST_BACKOFF
    assert backoff == 0 or delay > timedelta(0)


@given(st.integers(1, 3_000), st.floats(0, 10_000), st.floats(0, 1))
def test_jitter_stays_within_its_bounds(attempt, backoff, chance):
    longest = policy(backoff=backoff).delay(attempt, chance=1.0)

    delay = policy(backoff=backoff).delay(attempt, chance=chance)

    assert timedelta(0) <= delay <= longest <= LONGEST_BACKOFF


def test_jitter_is_full():
    delays = [policy(backoff=100).delay(1) for _ in range(300)]

    assert min(delays) < timedelta(seconds=20)
    assert max(delays) > timedelta(seconds=80)
    assert max(delays) <= timedelta(seconds=100)


def test_the_value_of_a_callable_is_the_wait():
    assert [policy(tasks.patient).delay(attempt) for attempt in (1, 2, 300)] == [
        timedelta(seconds=7),
        timedelta(seconds=14),
        timedelta(seconds=2100),
    ]
