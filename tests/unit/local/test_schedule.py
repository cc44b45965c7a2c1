"""Rules and schedules by rate and by cron, and the functions that they invoke."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from django_offload.local.aws import schedule
from django_offload.local.aws.schedule import (
    Rule,
    Schedule,
    configured_rules,
    described,
    make_event,
    parse_rate,
)
from django_offload.local.lambda_.async_invocations import AsyncInvocations

from .fakes import FakeFunctions, FakeInvoker, eventually, function

NOW = datetime(2026, 11, 22, 8, 30, 5, tzinfo=UTC)


def rule(**changes: object) -> Rule:
    defaults = {
        "arn": "arn:aws:events:eu-north-1:123456789012:rule/shop-sweeper",
        "period": timedelta(minutes=1),
        "function_arn": function().arn,
    }
    return Rule(**{**defaults, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "period"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(5 minutes)", timedelta(minutes=5)),
        ("rate(2 hours)", timedelta(hours=2)),
        ("rate(1 day)", timedelta(days=1)),
        ("cron(0 12 * * ? *)", None),
        ("", None),
    ],
)
def test_a_rate_is_a_period(expression: str, period: timedelta | None) -> None:
    assert parse_rate(expression) == period


def test_the_event_is_the_one_that_eventbridge_makes() -> None:
    event = json.loads(make_event(rule(), NOW))

    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-22T08:30:05Z",
        "region": "eu-north-1",
        "resources": ["arn:aws:events:eu-north-1:123456789012:rule/shop-sweeper"],
        "detail": {},
    }


def test_a_target_may_have_its_own_input() -> None:
    assert make_event(rule(input='{"n": 1}'), NOW) == b'{"n": 1}'


def test_a_rule_invokes_asynchronously() -> None:
    invoker = FakeInvoker()
    async_invocations = AsyncInvocations(invoker)
    schedule_ = Schedule([rule()], functions=FakeFunctions(function()), async_invocations=async_invocations)

    schedule_.invoke(rule())

    assert invoker.events == []
    assert async_invocations.run_pending() == 1


def test_a_rule_without_its_function_is_skipped() -> None:
    async_invocations = AsyncInvocations(FakeInvoker())

    Schedule([rule()], functions=FakeFunctions(), async_invocations=async_invocations).invoke(rule())

    assert async_invocations.run_pending() == 0


def test_each_rule_is_invoked_soon_and_then_every_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "FIRST_SECONDS", 0.01)
    invoker, stop = FakeInvoker(), threading.Event()
    async_invocations = AsyncInvocations(invoker)
    rules = [rule(period=timedelta(milliseconds=10), input="1"), rule(input="2")]
    schedule_ = Schedule(rules, functions=FakeFunctions(function()), async_invocations=async_invocations)

    thread = threading.Thread(target=schedule_.run, args=(stop,), daemon=True)
    thread.start()
    eventually(lambda: async_invocations.run_pending() >= 0 and invoker.events.count(b"1") >= 3)
    stop.set()
    thread.join(5)

    assert not thread.is_alive()
    assert invoker.events.count(b"2") == 1


def test_without_rules_the_schedule_ends() -> None:
    Schedule([], functions=FakeFunctions(), async_invocations=AsyncInvocations(FakeInvoker())).run(
        threading.Event()
    )


def test_scheduled_tasks_with_a_rate_start_after_one_period_with_the_time(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(schedule, "FIRST_SECONDS", 0.01)
    schedules = {
        "hourly": {"task": "tests.unit.tasks.double", "when": "rate(1 hour)", "args": [4]},
        "nightly": {"task": "tests.unit.tasks.double", "when": "cron(0 3 * * ? *)", "args": [4]},
    }
    settings.TASKS = {
        "default": {
            "BACKEND": "django_offload.backends.SQSBackend",
            "OPTIONS": {"stack": "shop", "schedules": schedules},
        }
    }
    sweeper = rule(function_arn="arn:aws:lambda:eu-north-1:123456789012:function:shop-sweeper")

    hourly, nightly = configured_rules([rule(), sweeper])

    assert (hourly.function_arn, hourly.period, hourly.soon) == (
        sweeper.function_arn,
        timedelta(hours=1),
        False,
    )
    assert (nightly.period, nightly.cron, nightly.timezone) == (None, "cron(0 3 * * ? *)", "UTC")
    assert json.loads(make_event(hourly, NOW)) == {
        "schedule": "hourly",
        "alias": "default",
        "at": "2026-11-22T08:30:05Z",
    }
    assert list(configured_rules([rule()])) == []


def test_a_rule_that_is_not_soon_waits_for_one_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "FIRST_SECONDS", 0.01)
    invoker, stop = FakeInvoker(), threading.Event()
    async_invocations = AsyncInvocations(invoker)
    rules = [rule(period=timedelta(milliseconds=10), input="1"), rule(input="2", soon=False)]
    schedule_ = Schedule(rules, functions=FakeFunctions(function()), async_invocations=async_invocations)

    thread = threading.Thread(target=schedule_.run, args=(stop,), daemon=True)
    thread.start()
    eventually(lambda: async_invocations.run_pending() >= 0 and invoker.events.count(b"1") >= 3)
    stop.set()
    thread.join(5)

    assert b"2" not in invoker.events


def cron_rule(when: str = "cron(0 3 * * ? *)", **changes: object) -> Rule:
    text = json.dumps({"schedule": "nightly", "alias": "default", "at": "<aws.scheduler.scheduled-time>"})
    return rule(**{"period": None, "cron": when, "timezone": "Europe/Zurich", "input": text, **changes})


def test_a_cron_runs_by_the_clock_once_for_each_of_its_times() -> None:
    invoker, stop = FakeInvoker(), threading.Event()
    async_invocations = AsyncInvocations(invoker)
    began, skipped = (
        datetime.now(UTC),
        datetime(2026, 11, 22, 1, 59, 59, 900_000, tzinfo=UTC) - datetime.now(UTC),
    )
    schedule_ = Schedule(
        [cron_rule()],
        functions=FakeFunctions(function()),
        async_invocations=async_invocations,
        clock=lambda: datetime.now(UTC) + skipped,
    )

    thread = threading.Thread(target=schedule_.run, args=(stop,), daemon=True)
    thread.start()
    eventually(lambda: async_invocations.run_pending() == 1)
    stop.set()
    thread.join(10)

    assert not thread.is_alive()
    (event,) = invoker.events
    assert json.loads(event)["at"] == "2026-11-22T02:00:00Z", "the time of the schedule, not of its event"
    assert datetime.now(UTC) - began >= timedelta(seconds=0.1)


def test_edits_are_followed_and_what_did_not_change_goes_on() -> None:
    async_invocations = AsyncInvocations(FakeInvoker())
    now = datetime(2026, 11, 22, 1, 59, tzinfo=UTC)
    schedule_ = Schedule(
        [rule(), cron_rule()],
        functions=FakeFunctions(function()),
        async_invocations=async_invocations,
        clock=lambda: now,
    )
    later = cron_rule("cron(30 3 * * ? *)")

    new, gone = schedule_.replace([rule(), later])
    assert (new, gone) == ([later], [cron_rule()])
    assert schedule_.replace([rule(), later]) == ([], [])

    now = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
    schedule_.replace([rule(), later, cron_rule()])
    assert schedule_.invoke_due() == 1, "the edited time of 03:30; the removed one came back after 03:00"
    assert schedule_.invoke_due() == 0


def test_an_expression_that_is_none_of_awss_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    schedule_ = Schedule(
        [cron_rule("cron(0 3)"), rule()],
        functions=FakeFunctions(function()),
        async_invocations=AsyncInvocations(FakeInvoker()),
    )

    assert schedule_.rules == [rule()]
    (line,) = caplog.messages
    assert line.startswith(f"The rule {rule().arn} isn't run on this machine: ")


@pytest.mark.parametrize(
    ("described_rule", "next_at", "text"),
    [
        (rule(), NOW, "shop-default-worker, every 60 s"),
        (
            cron_rule(),
            datetime(2026, 11, 23, 2, tzinfo=UTC),
            "nightly, cron(0 3 * * ? *) in Europe/Zurich, next 2026-11-23 03:00:00 CET",
        ),
        (
            cron_rule("cron(0 3 * * ? 2020)"),
            None,
            "nightly, cron(0 3 * * ? 2020) in Europe/Zurich, no more times",
        ),
    ],
)
def test_a_rule_is_described_with_its_next_time(described_rule: Rule, next_at: Any, text: str) -> None:
    assert described(described_rule, next_at) == text


def test_a_rate_of_a_task_has_a_next_time_too() -> None:
    text = described(cron_rule(period=timedelta(minutes=15), cron=""), NOW)

    assert text.startswith("nightly, every 900 s, next 2026-11-22 ")
