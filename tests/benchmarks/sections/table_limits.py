"""DynamoDB's limits on writes: how many tasks a second a table accepts, by the number of shards."""

import math
from dataclasses import dataclass, replace

from django.test import override_settings

from tests.benchmarks.report import Figure, Section, table
from tests.benchmarks.rounds import Plan
from tests.benchmarks.site import offload
from tests.benchmarks.table_limits import (
    ACCEPTED_SHARE,
    NEW_TABLE,
    QUOTA,
    Index,
    Load,
    Outcome,
    indexes,
    play,
)

SECONDS, QUICK_SECONDS = 10.0, 1.0
# What releases up to 0.1.0 have, and what a stack for many tasks is set to.
OLD, MANY = 2, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """A load that is played at one rate after the other, until one is refused."""

    label: str
    load: Load
    rates: tuple[int, ...]
    history: bool | str = False

    def table_indexes(self) -> tuple[Index, ...]:
        with override_settings(TASKS={"default": offload(history=self.history)}):
            return indexes()

    def climb(self, seconds: float) -> list[Outcome]:
        """Return what became of each rate, up to the first that isn't accepted."""
        outcomes: list[Outcome] = []
        for rate in self.rates:
            outcomes.append(play(replace(self.load, rate=rate, seconds=seconds), self.table_indexes()))
            if not outcomes[-1].accepted:
                break
        return outcomes


def load(course: str, shards: int, *, warm: float = math.inf, quota: float = math.inf) -> Load:
    return Load(course=course, rate=0, shards=shards, warm=warm, quota=quota)


PLAIN_OLD = Ladder(label="plain, 2 shards", load=load("plain", OLD), rates=(900, 1_000, 1_200))
DEFERRED_OLD = Ladder(label="deferred, 2 shards", load=load("deferred", OLD), rates=(450, 500, 600))
PLAIN = Ladder(label="plain, 32 shards", load=load("plain", MANY), rates=(15_000, 17_000))
DEFERRED = Ladder(label="deferred, 32 shards", load=load("deferred", MANY), rates=(7_500,))
SHARDED = Ladder(
    label='plain, 32 shards, `history: "sharded"`',
    load=replace(load("plain", MANY), listed=True),
    rates=(15_000,),
    history="sharded",
)
LADDERS = (
    PLAIN_OLD,
    DEFERRED_OLD,
    PLAIN,
    DEFERRED,
    Ladder(label="retried once, 32 shards", load=load("retried", MANY), rates=(7_500,)),
    Ladder(
        label="plain, 32 shards, a new table",
        load=load("plain", MANY, warm=NEW_TABLE),
        rates=(1_300, 1_400),
    ),
    Ladder(
        label=f"plain, 32 shards, quota {QUOTA:,}",
        load=load("plain", MANY, quota=QUOTA),
        rates=(13_000, 14_000),
    ),
    Ladder(label="plain, 32 shards, `history`", load=load("plain", MANY), rates=(900, 15_000), history=True),
    SHARDED,
)


def section(plan: Plan) -> Section:
    seconds = SECONDS if plan.full else QUICK_SECONDS
    climbed = {ladder.label: ladder.climb(seconds) for ladder in LADDERS}
    rows = [row(label, outcome) for label, outcomes in climbed.items() for outcome in outcomes]
    best = {label: highest(outcomes) for label, outcomes in climbed.items()}
    heads = ["tasks", "tasks/s", "units/s, table", "units/s, `due`", "refused", "given up", "enqueue p99"]
    return Section(
        "DynamoDB's limits",
        f"The table plays {seconds:g} seconds of virtual time on a model of the limits that AWS documents. "
        "Each partition of an index accepts 1,000 write units a second. The table and each index accept what "
        "they are warm for, 4,000 units if they are new, and at most the quota of 40,000 units unless AWS "
        "raised it. Unless a row says otherwise, the table is warm and the quota is raised. The writes are "
        "the library's own, and its client tries a refused one again. A rate is accepted if at most "
        f"{ACCEPTED_SHARE:.1%} of the writes are refused and none is given up.",
        [table(heads, rows)],
        [
            Figure("plain tasks/s that a table accepts, 32 shards", best[PLAIN.label], 15_000, "", True),
            Figure("deferred tasks/s that a table accepts, 32 shards", best[DEFERRED.label], 7_500, "", True),
            Figure(
                'plain tasks/s that a table accepts, `history: "sharded"`',
                best[SHARDED.label],
                15_000,
                "",
                True,
            ),
            Figure(
                "plain tasks/s, 32 shards to 2",
                best[PLAIN.label] / max(best[PLAIN_OLD.label], 1),
                15,
                "×",
                True,
            ),
            Figure(
                "deferred tasks/s, 32 shards to 2",
                best[DEFERRED.label] / max(best[DEFERRED_OLD.label], 1),
                15,
                "×",
                True,
            ),
        ],
    )


def highest(outcomes: list[Outcome]) -> int:
    """Return the highest rate that was accepted, or 0."""
    return max((outcome.load.rate for outcome in outcomes if outcome.accepted), default=0)


def row(label: str, outcome: Outcome) -> list[str]:
    played = outcome.load
    given_up = outcome.given_up.total() / (played.rate * played.seconds)
    return [
        label,
        f"{played.rate:,}",
        *(f"{outcome.used[name] / played.seconds:,.0f}" for name in ("table", "due")),
        f"{outcome.refused_share:.2%}",
        f"{given_up:.2%}",
        f"{outcome.wait(0.99):.1f} s",
    ]
