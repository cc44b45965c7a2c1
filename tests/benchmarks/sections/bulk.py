"""Bulk: many tasks by one call."""

from tests.benchmarks.contenders import BULK
from tests.benchmarks.processes import Stub
from tests.benchmarks.report import Figure, Section, number, table
from tests.benchmarks.rounds import Plan, Series, measure

AWAY_MILLISECONDS = 5
AT_ONCE = 50
NAMES = [name for name in BULK if name != "offload-generator"]


def section(plan: Plan) -> Section:
    with Stub() as stub:
        near = measure("bulk", NAMES, ["plain"], stub, plan)["plain"]
    with Stub(delay=AWAY_MILLISECONDS) as stub:
        away = measure("bulk", NAMES, ["plain"], stub, plan)["plain"]
    rows = [_row(series, near["boto3"], away[name], away["boto3"]) for name, series in near.items()]
    heads = [
        "50 tasks at once, each",
        "CPU, ms",
        "CPU",
        "wall, 5 ms away",
        "50 tasks, 5 ms away, ms",
        "calls a task",
    ]
    ours = near["offload"]
    return Section(
        "Bulk",
        "Ratios compare each task with one plain `send_message` of boto3.",
        [table(heads, rows)],
        [
            Figure("in bulk with record, CPU, each task", ours.ratio("cpu", near["boto3"]), 0.10),
            Figure("50 tasks, AWS 5 ms away", 1000 * AT_ONCE * away["offload"].median("wall"), 20, "ms"),
        ],
    )


def _row(near: Series, reference: Series, away: Series, reference_away: Series) -> list[str]:
    calls = ", ".join(f"{count:g} {call}" for call, count in sorted(near.calls.items()))
    return [
        near.label,
        f"{1000 * near.median('cpu'):.3f}",
        number(near.ratio("cpu", reference)),
        number(away.ratio("wall", reference_away)),
        number(1000 * AT_ONCE * away.median("wall")),
        calls,
    ]
