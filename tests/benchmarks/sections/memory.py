"""Memory: what a process that enqueues has, and what a generator of many tasks adds to it."""

from tests.benchmarks.contenders import SENDERS
from tests.benchmarks.processes import Driver, Stub
from tests.benchmarks.report import Figure, Section, table
from tests.benchmarks.rounds import Plan

CALLS = 50
MANY = 100_000
BULK = 50


def section(plan: Plan) -> Section:
    names = [name for name in SENDERS if name not in {"floor", "tasks-db"}]
    rows = []
    with Stub() as stub:
        for name in names:
            with Driver("senders", name, stub, plan.python) as driver:
                said = driver.measure(CALLS)
                rows.append([driver.contender.label, f"{said['memory']:.1f}", f"{said['modules']:,}"])
        grown = _grown(stub, plan)
    tasks = f"{(MANY if plan.full else MANY // 50):,}"
    return Section(
        "Memory",
        f"The table shows a process with Django after it has enqueued {CALLS} tasks.",
        [table(["what a process enqueues by", "memory, MB", "modules"], rows)],
        [Figure(f"memory that `enqueue_many` over a generator of {tasks} tasks adds", grown, 4, "MB")],
    )


def _grown(stub: Stub, plan: Plan) -> float:
    """Return the megabytes that a process grows by while it enqueues from a generator."""
    with Driver("bulk", "offload-generator", stub, plan.python) as driver:
        driver.measure(1)
        before = driver.measure(1)["memory"]
        after: float = driver.measure((MANY if plan.full else MANY // 50) // driver.tasks)["memory"]
    return float(after - before)
