"""Sweeping: how fast the sweeper sends what is due, on real sockets and in virtual time."""

import json
import statistics
import subprocess
import sys
from typing import Any

from tests.benchmarks.processes import ROOT, Stub, clean_environment
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
    virtual = ran(VIRTUAL, many, clean_environment(DJANGO_SETTINGS_MODULE="tests.benchmarks.site"))
    away = f"AWS {AWAY_MILLISECONDS} ms away"
    heads = [f"deferred tasks, {away}", "a second", "CPU of each, ms", "calls of each", "memory, MB"]
    return Section(
        "Sweeping",
        f"The sweeper sends {counts[WAYS[0]]:,} deferred tasks through the lean client, over real sockets. "
        f"Each answer takes {AWAY_MILLISECONDS} ms longer. One by one, as it worked before, it makes three "
        f"calls for each task, one after the other. In virtual time, {many:,} tasks in {SHARDS} shards start "
        f"at nine o'clock, each call takes 5 ms, and a worker dies meanwhile. Messages that come early: "
        f"{virtual['early']:g}, and twice: {virtual['twice']:g}.",
        [table(heads, [row(way, rounds[way]) for way in WAYS])],
        [
            Figure(f"sweep by pages, {away}, to one by one", faster(rounds), 20, at_least=True),
            Figure("sweep in virtual time", virtual["rate"], 3_000, "records/s", at_least=True),
            Figure("sweep in virtual time, calls of a record", virtual["calls"], 1.15, ""),
            Figure(f"rescue behind {many:,} deferred tasks", virtual["rescue"], 65, "s"),
            Figure(
                f"{many:,} tasks of one minute, last message before their start",
                virtual["spare"],
                0,
                "s",
                at_least=True,
            ),
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
        found = ran(way, count, clean_environment(**stub.environment))
        calls = sum(stub.counts()["calls"].values())
    return {**found, "calls": calls / found["sent"]}


def ran(way: str, count: int, environment: dict[str, str]) -> Any:
    command = [sys.executable, "-m", "tests.benchmarks.sweeping", way, str(count)]
    process = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise ChildProcessError(f"{' '.join(command)} failed: mend what it says.\n{process.stderr}")
    return json.loads(process.stdout.splitlines()[-1])
