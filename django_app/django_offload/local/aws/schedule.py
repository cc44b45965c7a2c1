"""EventBridge on this machine: rules and schedules with a rate, and the functions that they invoke."""

import json
import re
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from ...conf import configured
from ...stack.schedules import AT, event_text
from ..errors import FunctionMissing
from ..lambda_.async_invocations import AsyncInvocations
from ..lambda_.functions import DeployedFunctions, function_name
from .moto_server import MotoServer

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
# The first invocation comes soon, so that nobody waits a whole period to see it.
FIRST_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule or schedule, and one function that it invokes. It runs here whether it is enabled or not."""

    arn: str
    period: timedelta
    function_arn: str
    input: str | None = None  # Replaces the event that the function receives.
    soon: bool = True  # False waits for one period before the first invocation, as AWS does.


def parse_rate(expression: str) -> timedelta | None:
    """Return the period of a rate(...) expression, or None for any other expression."""
    match = _RATE.fullmatch(expression)
    return timedelta(**{f"{match[2]}s": int(match[1])}) if match else None


def deployed_rules(server: MotoServer) -> Iterator[Rule]:
    """Yield every deployed rule with a rate, once for each function among its targets."""
    events = server.client("events")
    for rule in events.list_rules()["Rules"]:
        period = parse_rate(rule.get("ScheduleExpression", ""))
        if period is None:
            continue
        for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
            if ":lambda:" in target["Arn"]:
                yield Rule(
                    arn=rule["Arn"],
                    period=period,
                    function_arn=target["Arn"],
                    input=target.get("Input") or None,
                )


def configured_rules(deployed: Iterable[Rule]) -> Iterator[Rule]:
    """
    Yield a rule for every scheduled task in TASKS that has a rate.

    It invokes the sweeper of the task's stack, whose ARN comes from the sweeper's own deployed rule.
    """
    sweeper_rules = {function_name(rule.function_arn): rule for rule in deployed}
    for options in configured().values():
        sweeper_rule = sweeper_rules.get(options.function("sweeper"))
        for name, recurrence in options.schedules.items():
            period = parse_rate(recurrence.when)
            if sweeper_rule is not None and period is not None:
                text = event_text(options.alias, name)
                yield replace(sweeper_rule, period=period, input=text, soon=False)


def make_event(rule: Rule, now: datetime) -> bytes:
    """Return the event that a rule sends to its target."""
    if rule.input is not None:
        return rule.input.replace(AT, f"{now:%Y-%m-%dT%H:%M:%SZ}").encode()
    _, _, _, region, account, _ = rule.arn.split(":", 5)
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": account,
            "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "region": region,
            "resources": [rule.arn],
            "detail": {},
        }
    ).encode()


class Schedule:
    """Invokes the functions of rules asynchronously, as EventBridge does."""

    def __init__(
        self, rules: Sequence[Rule], *, functions: DeployedFunctions, async_invocations: AsyncInvocations
    ) -> None:
        self.rules = rules
        self._functions, self._async_invocations = functions, async_invocations

    def run(self, stop: threading.Event) -> None:
        """Invoke each rule's function once per period until `stop`."""
        if not self.rules:
            return
        start = time.monotonic() + FIRST_SECONDS
        due = {
            number: start if rule.soon else start + rule.period.total_seconds()
            for number, rule in enumerate(self.rules)
        }
        while not stop.wait(max(0.0, min(due.values()) - time.monotonic())):
            now = time.monotonic()
            for number, rule in enumerate(self.rules):
                if due[number] <= now:
                    self.invoke(rule)
                    due[number] = now + rule.period.total_seconds()

    def invoke(self, rule: Rule) -> None:
        try:
            function = self._functions.get(rule.function_arn)
        except FunctionMissing:
            return  # Its stack was deleted, and the rule will disappear too.
        self._async_invocations.submit(function, make_event(rule, datetime.now(UTC)))
