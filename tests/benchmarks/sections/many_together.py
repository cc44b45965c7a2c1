"""What staff and the sweeper do to many tasks at once: redrives, cancels and drains in virtual time."""

from tests.benchmarks.many_together import SHARDS
from tests.benchmarks.processes import clean_environment, found_by
from tests.benchmarks.report import Figure, Section, number, table
from tests.benchmarks.rounds import Plan
from tests.benchmarks.virtual_time import CALL_SECONDS, STATEMENT_SECONDS

COUNT, QUICK_COUNT = 20_000, 1_000
FASTEST = 3_000
NAMES = {
    "redrive": "`offload_dead redrive --all`",
    "drain": "drain of the outbox",
    "cancel": "cancel of many tasks",
}


def section(plan: Plan) -> Section:
    count = COUNT if plan.full else QUICK_COUNT
    # The outbox has a table, which needs a site of its own.
    site = clean_environment(DJANGO_SETTINGS_MODULE="tests.benchmarks.site", BENCHMARK_OUTBOX="1")
    found = found_by("many_together", count, environment=site)
    heads = [f"{count:,} tasks, virtual time", "a second", "calls of each", "statements of each"]
    rows = [
        [name, number(found[key]["rate"]), f"{found[key]['calls']:.2f}", f"{found[key]['statements']:.3f}"]
        for key, name in NAMES.items()
    ]
    return Section(
        "Many tasks together",
        f"Staff redrive dead letters or cancel tasks, and the sweeper drains the outbox. In virtual time, a "
        f"call takes {1000 * CALL_SECONDS:g} ms, a statement of the database takes "
        f"{1000 * STATEMENT_SECONDS:g} ms, and the code takes none. There are {SHARDS} shards.",
        [table(heads, rows)],
        [
            Figure(f"{name}, virtual time", found[key]["rate"], FASTEST, "tasks/s", at_least=True)
            for key, name in NAMES.items()
        ],
    )
