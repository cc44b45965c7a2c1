"""Worker: tasks that do nothing, claimed and with their outcome recorded."""

from tests.benchmarks import celery_worker
from tests.benchmarks.contenders import WORKERS
from tests.benchmarks.processes import Stub
from tests.benchmarks.report import Figure, Section, number, table
from tests.benchmarks.rounds import Plan, Series, measure

CELERY = "Celery worker, tuned (no claim, no outcome)"
CELERY_TASKS = 300


def section(plan: Plan) -> Section:
    with Stub() as stub:
        found = dict(measure("workers", list(WORKERS), ["plain"], stub, plan)["plain"])
    with Stub() as stub:
        celery = Series(CELERY, ours=False)
        celery.rounds += [
            celery_worker.run(stub, plan.python, CELERY_TASKS) for _ in range(min(plan.rounds, 3))
        ]
    rows = [_row(series, found["boto3"]) for series in [*found.values(), celery]]
    heads = ["ten at a time", "CPU a task, ms", "CPU", "tasks/s", "calls a task"]
    ours, writes = found["offload"], found["boto3-writes"]
    return Section(
        "Worker",
        "Ratios compare with the first row. Our handler gets events of ten messages, as in AWS, which "
        "receives and deletes the messages itself. The row above ours makes the same calls with boto3. "
        "Celery's worker is started anew for each of its rounds, and its start is not counted.",
        [table(heads, rows)],
        [
            Figure(
                "claim and outcome, CPU, to the same two calls of raw boto3", ours.ratio("cpu", writes), 0.21
            ),
            Figure(
                "tasks/s, to the boto3 loop",
                found["boto3"].median("wall") / ours.median("wall"),
                2.5,
                at_least=True,
            ),
            Figure(
                "CPU, to Celery's worker",
                ours.median("cpu") / celery.median("cpu"),
                1 / 15,
                retired="Celery's worker keeps neither claim nor outcome, so it does other work",
            ),
        ],
    )


def _row(series: Series, reference: Series) -> list[str]:
    calls = ", ".join(f"{count:.2g} {call}" for call, count in sorted(series.calls.items()))
    ratio = series.median("cpu") / reference.median("cpu")
    return [
        series.label,
        f"{1000 * series.median('cpu'):.3f}",
        number(ratio),
        f"{1 / series.median('wall'):,.0f}",
        calls,
    ]
