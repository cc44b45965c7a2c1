"""
Sweeping: how fast the sweeper sends what is due, on real sockets and in virtual time.

"One by one" stands for the sweeper of the releases up to 0.1.0. It is today's code, which reads, decides,
writes and sends one record after the other. The released sweeper makes the same three calls for each record,
in the same order, and both wait for AWS most of the time: 18.4 ms a record for the released one, 18.8 ms for
this one, in front of the same stand-in.
"""

import statistics
from typing import Any

from tests.benchmarks.processes import Stub, clean_environment, found_by
from tests.benchmarks.report import Figure, Section, number, table
from tests.benchmarks.rounds import Plan
from tests.benchmarks.sweeping import SHARDS, VIRTUAL, WAYS

AWAY_MILLISECONDS = 5
COUNTS = {WAYS[0]: 8_000, WAYS[1]: 200}
QUICK_COUNTS = {WAYS[0]: 2_000, WAYS[1]: 50}
MANY, QUICK_MANY = 1_000_000, 20_000
MOST_ROUNDS = 5


def section(plan: Plan) -> Section:
    counts = COUNTS if plan.full else QUICK_COUNTS
    rounds: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(min(plan.rounds, MOST_ROUNDS)):
        for way in WAYS:
            rounds[way].append(measured(way, counts[way], due=counts[WAYS[0]]))
    many = MANY if plan.full else QUICK_MANY
    site = clean_environment(DJANGO_SETTINGS_MODULE="tests.benchmarks.site")
    virtual = found_by("sweeping", VIRTUAL, many, environment=site)
    away = f"AWS {AWAY_MILLISECONDS} ms away"
    heads = [f"deferred tasks, {away}", "a second", "CPU of each, ms", "calls of each", "memory, MB"]
    return Section(
        "Sweeping",
        f"The sweeper sends {counts[WAYS[0]]:,} deferred tasks through the lean client, over real sockets. "
        f"Each answer takes {AWAY_MILLISECONDS} ms longer. The second row is today's code made to work as "
        "releases up to 0.1.0 did. It makes the same three calls for each task, one after the other. In "
        f"virtual time, {many:,} tasks in {SHARDS} shards start at nine o'clock, each call takes "
        f"{AWAY_MILLISECONDS} ms, and a lease of a killed worker ends in each second of a minute.",
        [table(heads, [row(way, rounds[way]) for way in WAYS])],
        [
            Figure(f"sweep by pages, {away}, to one by one", faster(rounds), 20, at_least=True),
            Figure("sweep in virtual time", virtual["rate"], 3_000, "records/s", at_least=True),
            Figure("sweep in virtual time, calls of a record", virtual["calls"], 1.15, ""),
            Figure(f"longest rescue behind {many:,} deferred tasks", virtual["rescue"], 65, "s"),
            Figure(
                f"{many:,} tasks of one minute, last message before their start",
                virtual["spare"],
                0,
                "s",
                at_least=True,
            ),
            Figure(f"{many:,} tasks of one minute, messages before their start", virtual["early"], 0, ""),
            Figure(f"{many:,} tasks of one minute, second messages", virtual["twice"], 0, ""),
        ],
    )


def row(way: str, found: list[dict[str, float]]) -> list[str]:
    return [
        way,
        number(statistics.median(rates(found))),
        f"{1000 * statistics.median(each['cpu'] / each['sent'] for each in found):.3f}",
        f"{statistics.median(each['calls'] for each in found):.2f}",
        f"{statistics.median(each['memory'] for each in found):.0f}",
    ]


def faster(rounds: dict[str, list[dict[str, float]]]) -> float:
    """Return how many times as fast pages are, as the median of the rounds."""
    pages, one_by_one = (rates(rounds[way]) for way in WAYS)
    return statistics.median(mine / other for mine, other in zip(pages, one_by_one, strict=True))


def rates(found: list[dict[str, float]]) -> list[float]:
    return [each["sent"] / each["wall"] for each in found]


def measured(way: str, count: int, due: int) -> Any:
    """Sweep in a process of its own, in front of an AWS with so many due records."""
    with Stub(delay=AWAY_MILLISECONDS, due=due) as stub:
        found = found_by("sweeping", way, count, environment=clean_environment(**stub.environment))
        calls = sum(stub.counts()["calls"].values())
    return {**found, "calls": calls / found["sent"]}
