"""What EventBridge does on AWS: rules and schedules with a rate, and the functions they invoke."""

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
from ..lambda_.functions import Functions
from .moto_server import MotoServer

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
# The first tick comes soon, so that nobody waits a whole period to see it.
FIRST_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, or schedule, and one function it invokes; enabled or not, since here each runs."""

    arn: str
    period: timedelta
    function_arn: str
    input: str | None = None  # What the target is handed instead of the event.
    soon: bool = True  # Does it start as soon as it can, or after a first period as on AWS?


def rate(expression: str) -> timedelta | None:
    """Return the period of a rate(...) expression; None for what else a schedule may be."""
    found = _RATE.fullmatch(expression)
    return timedelta(**{f"{found[2]}s": int(found[1])}) if found else None


def deployed_rules(server: MotoServer) -> Iterator[Rule]:
    """Yield every deployed rule with a rate, once for each function it has as a target."""
    events = server.client("events")
    for rule in events.list_rules()["Rules"]:
        period = rate(rule.get("ScheduleExpression", ""))
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


def declared_rules(rules: Iterable[Rule]) -> Iterator[Rule]:
    """
    Yield the recurring tasks of TASKS that have a rate, as their schedules' sweepers are to be told.

    `rules` are the deployed ones, among them each sweeper's own: what starts a sweeper knows where it is.
    """
    sweepers = {rule.function_arn.rsplit(":", 1)[-1]: rule for rule in rules}
    for options in configured().values():
        sweeper = sweepers.get(options.function("sweeper"))
        for name, recurrence in options.schedules.items():
            period = rate(recurrence.when)
            if sweeper is not None and period is not None:
                text = event_text(options.alias, name)
                yield replace(sweeper, period=period, input=text, soon=False)


def event_of(rule: Rule, now: datetime) -> bytes:
    """Return the event that a rule hands to its target."""
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
    """Invokes the functions of rules, asynchronously as EventBridge does."""

    def __init__(
        self, rules: Sequence[Rule], *, functions: Functions, asynchronous: AsyncInvocations
    ) -> None:
        self.rules = rules
        self._functions, self._asynchronous = functions, asynchronous

    def tick(self) -> int:
        """Invoke every rule's function now, and return how many there are."""
        for rule in self.rules:
            self._invoke(rule)
        return len(self.rules)

    def run(self, stop: threading.Event) -> None:
        """Invoke each rule's function every period, until `stop`."""
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
                    self._invoke(rule)
                    due[number] = now + rule.period.total_seconds()

    def _invoke(self, rule: Rule) -> None:
        try:
            function = self._functions.find(rule.function_arn)
        except FunctionMissing:
            return  # Its stack was taken away; the rule will go with it.
        self._asynchronous.submit(function, event_of(rule, datetime.now(UTC)))
