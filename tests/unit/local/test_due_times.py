"""When a cron is due on a machine that sleeps and whose clock is set."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from django_offload.local.aws.due_times import LATEST, CronTimer, RateTimer

HOUR = timedelta(hours=1)
AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)  # 03:00 in Zurich.
BEFORE = AT - timedelta(minutes=1)


def cron(expression: str = "cron(0 3 * * ? *)", timezone: str = "Europe/Zurich") -> CronTimer:
    return CronTimer("nightly", expression, timezone, BEFORE)


def test_a_cron_is_due_once_at_its_time_in_its_zone() -> None:
    timer = cron()

    assert (timer.next_at(BEFORE), timer.seconds(BEFORE)) == (AT, 60.0)
    assert timer.take(AT - timedelta(microseconds=1)) is None
    assert timer.take(AT) == AT
    assert timer.take(AT) is None
    assert timer.take(AT + HOUR) is None
    assert timer.next_at(AT + HOUR) == AT + timedelta(days=1)


def test_a_time_before_the_start_is_not_due() -> None:
    assert CronTimer("nightly", "cron(0 3 * * ? *)", "Europe/Zurich", AT + HOUR).take(AT + 2 * HOUR) is None


def test_a_machine_that_slept_through_many_times_runs_the_latest(caplog: pytest.LogCaptureFixture) -> None:
    timer = cron("cron(* * * * ? *)", "UTC")
    awake_at = AT + timedelta(hours=8, seconds=20)

    with caplog.at_level(logging.INFO, "django_offload.local"):
        taken = [timer.take(awake_at), timer.take(awake_at), timer.take(awake_at + timedelta(seconds=40))]

    assert taken == [AT + 8 * HOUR, None, AT + 8 * HOUR + timedelta(minutes=1)]
    (line,) = caplog.messages
    assert line == (
        "Schedule nightly: this machine slept through some of its times; only that of 2026-03-10 10:00 UTC is run"
    )


def test_a_time_that_scheduler_would_have_given_up_is_not_run(caplog: pytest.LogCaptureFixture) -> None:
    in_time, too_late = cron("cron(0 3 10 * ? *)"), cron("cron(0 3 10 * ? *)")

    with caplog.at_level(logging.INFO, "django_offload.local"):
        assert in_time.take(AT + LATEST) == AT
        assert caplog.messages == []
        assert too_late.take(AT + LATEST + timedelta(seconds=1)) is None

    assert caplog.messages == [
        "Schedule nightly: this machine slept through some of its times; none of them is run"
    ]


def test_a_clock_that_is_set_back_repeats_nothing() -> None:
    timer = cron()
    assert timer.take(AT + timedelta(seconds=5)) == AT

    earlier = AT - timedelta(minutes=30)
    assert timer.seconds(earlier) == 0.0, "the clock was set, so it looks anew"
    assert timer.take(earlier) is None
    assert timer.next_at(earlier) == AT
    assert timer.take(AT) is None
    assert timer.take(AT + timedelta(days=1)) == AT + timedelta(days=1)


def test_a_clock_that_was_years_ahead_at_the_start_loses_nothing_once_it_is_right() -> None:
    timer = CronTimer("nightly", "cron(0 3 * * ? *)", "Europe/Zurich", AT.replace(year=2036))

    assert timer.take(BEFORE) is None
    assert timer.take(AT) == AT


def test_a_cron_without_more_times_is_never_due() -> None:
    timer = cron("cron(0 3 * * ? 2020)")

    assert (timer.take(AT), timer.next_at(AT), timer.seconds(AT)) == (None, None, float("inf"))


def test_an_expression_that_is_none_of_awss_is_refused() -> None:
    with pytest.raises(ValueError):  # noqa: PT011, the sentence is that of conf
        cron("cron(0 3)")


def test_a_rate_does_not_follow_the_clock() -> None:
    timer = RateTimer(HOUR)

    assert timer.take(AT) is None
    assert timer.take(AT + 500 * HOUR) is None, "only the clock was set"
    assert HOUR - timedelta(seconds=60) < timer.next_at(AT) - AT <= HOUR
    assert RateTimer(HOUR, first_seconds=0.0).take(AT) == AT
