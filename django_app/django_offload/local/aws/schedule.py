"""EventBridge on this machine: rules and schedules, by rate and by cron, and the functions that they invoke."""

import json
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from ...stack.schedules import AT, event_text
from ..errors import FunctionMissing
from ..lambda_.async_invocations import AsyncInvocations
from ..lambda_.functions import DeployedFunctions, function_name
from .due_times import CronTimer, RateTimer, Timer, utc_now
from .moto_server import MotoServer
from .project_schedules import ProjectSchedule, project_schedules

logger = logging.getLogger("django_offload.local")

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
# The first invocation comes soon, so that nobody waits a whole period to see it.
FIRST_SECONDS = 5.0
# The clock of the machine may be set, or may jump when a laptop wakes up. Waiting isn't told of either.
LONGEST_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule or schedule, and one function that it invokes. It runs here whether it is enabled or not."""

    arn: str
    function_arn: str
    period: timedelta | None = None  # Of a rate(...) expression.
    cron: str = ""  # Without a period: cron(...), in a time zone.
    timezone: str = "UTC"
    input: str | None = None  # Replaces the event that the function receives.
    soon: bool = True  # False waits for one period before the first invocation, as AWS does.

    @property
    def name(self) -> str:
        """The scheduled task that TASKS names, or else the function that the rule starts."""
        return str(json.loads(self.input)["schedule"]) if self.input else function_name(self.function_arn)


def parse_rate(expression: str) -> timedelta | None:
    """Return the period of a rate(...) expression, or None for any other expression."""
    match = _RATE.fullmatch(expression)
    return timedelta(**{f"{match[2]}s": int(match[1])}) if match else None


def deployed_rules(server: MotoServer) -> Iterator[Rule]:
    """Yield every deployed rule that has a time, once for each function among its targets."""
    events = server.client("events")
    for rule in events.list_rules()["Rules"]:
        expression = rule.get("ScheduleExpression", "")
        period = parse_rate(expression)
        if period is None and not expression.startswith("cron("):
            continue
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            if ":lambda:" in target["Arn"]:
                yield Rule(
                    arn=rule["Arn"],
                    period=period,
                    cron="" if period else expression,
                    function_arn=target["Arn"],
                    input=target.get("Input") or None,
                )


def configured_rules(
    deployed: Iterable[Rule], schedules: Iterable[ProjectSchedule] | None = None
) -> Iterator[Rule]:
    """
    Yield a rule for every scheduled task, of TASKS and of decorated tasks, or for the given ones.

    It invokes the sweeper of the task's stack, whose ARN comes from the sweeper's own deployed rule.
    """
    sweeper_rules = {function_name(rule.function_arn): rule for rule in deployed if rule.input is None}
    for schedule in project_schedules() if schedules is None else schedules:
        sweeper_rule = sweeper_rules.get(schedule.sweeper)
        if sweeper_rule is not None:
            period = parse_rate(schedule.when)
            yield replace(
                sweeper_rule,
                period=period,
                cron="" if period else schedule.when,
                timezone=schedule.timezone,
                input=event_text(schedule.alias, schedule.name),
                soon=False,
            )


def make_event(rule: Rule, at: datetime) -> bytes:
    """Return the event that a rule sends to its target at its time."""
    if rule.input is not None:
        return rule.input.replace(AT, f"{at:%Y-%m-%dT%H:%M:%SZ}").encode()
    _, _, _, region, account, _ = rule.arn.split(":", 5)
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": account,
            "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "region": region,
            "resources": [rule.arn],
            "detail": {},
        }
    ).encode()


def described(rule: Rule, next_at: datetime | None) -> str:
    """Return what a rule starts and when, with the next time of a scheduled task."""
    when = f"every {rule.period.total_seconds():.0f} s" if rule.period else f"{rule.cron} in {rule.timezone}"
    if rule.input is None and rule.period:  # The sweeper starts in a moment.
        return f"{rule.name}, {when}"
    if next_at is None:
        return f"{rule.name}, {when}, no more times"
    local = next_at.astimezone(None if rule.period else ZoneInfo(rule.timezone))
    return f"{rule.name}, {when}, next {local:%Y-%m-%d %H:%M:%S %Z}"


class Schedule:
    """Invokes the functions of rules asynchronously, as EventBridge does."""

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        functions: DeployedFunctions,
        async_invocations: AsyncInvocations,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._functions, self._async_invocations, self._clock = functions, async_invocations, clock
        self._lock = threading.Lock()
        self._timers: list[tuple[Rule, Timer]] = []
        self.replace(rules)

    @property
    def rules(self) -> list[Rule]:
        return [rule for rule, _ in self._timers]

    def replace(self, rules: Iterable[Rule]) -> tuple[list[Rule], list[Rule]]:
        """Follow these rules from now on. Return the new ones and the old ones; the others go on as before."""
        with self._lock:
            kept = dict(self._timers)
            timers = {rule: kept[rule] if rule in kept else self._timer(rule) for rule in rules}
            self._timers = [(rule, timer) for rule, timer in timers.items() if timer is not None]
            return [rule for rule in timers if rule not in kept], [
                rule for rule in kept if rule not in timers
            ]

    def next_times(self) -> Sequence[tuple[Rule, datetime | None]]:
        """Return each rule with its next time, or None if it has no more."""
        now = self._clock()
        return [(rule, timer.next_at(now)) for rule, timer in self._timers]

    def run(self, stop: threading.Event) -> None:
        """Invoke each rule's function whenever it is due, until `stop`."""
        while self._timers and not stop.wait(self._seconds_to_next()):
            self.invoke_due()

    def invoke_due(self) -> int:
        """Invoke the functions of the rules that are due now, and return how many are."""
        with self._lock:
            now = self._clock()
            due = [(rule, at) for rule, timer in self._timers if (at := timer.take(now)) is not None]
        for rule, at in due:
            self.invoke(rule, at)
        return len(due)

    def invoke(self, rule: Rule, at: datetime | None = None) -> None:
        try:
            function = self._functions.get(rule.function_arn)
        except FunctionMissing:
            return  # Its stack was deleted, and the rule will disappear too.
        self._async_invocations.submit(function, make_event(rule, at or self._clock()))

    def _timer(self, rule: Rule) -> Timer | None:
        """Return what knows when a rule is due, or None if its expression is none of AWS's."""
        if rule.period is not None:
            return RateTimer(rule.period, first_seconds=FIRST_SECONDS if rule.soon else None)
        try:
            return CronTimer(rule.name, rule.cron, rule.timezone, self._clock())
        except ValueError as exc:
            logger.warning("The rule %s isn't run on this machine: %s", rule.arn, exc)
            return None

    def _seconds_to_next(self) -> float:
        """Return how long to wait. It is never long, because the clock may have been set meanwhile."""
        with self._lock:
            now = self._clock()
            waits = [timer.seconds(now) for _, timer in self._timers]
        return min([LONGEST_WAIT_SECONDS, *waits])
