"""Enqueue: what a view waits for."""

from collections.abc import Mapping

from tests.benchmarks.contenders import SENDERS
from tests.benchmarks.processes import Stub
from tests.benchmarks.report import Figure, Section, number, table
from tests.benchmarks.rounds import Found, Plan, Series, measure
from tests.benchmarks.tls import certificate

AWAY_MILLISECONDS = 5
# A floor cannot be shared by threads, and what does not call AWS does not wait for it.
THREADED = [name for name in SENDERS if name not in {"floor", "tasks-db"}]
REMOTE = [name for name in SENDERS if name != "tasks-db"]


def section(plan: Plan) -> Section:
    with Stub() as stub:
        near = measure(
            "senders",
            list(SENDERS),
            ["plain", "waiting_thread", "fresh_threads", "awaited", "fresh_contexts"],
            stub,
            plan,
        )
        crowd = measure("senders", THREADED, ["threads"], stub, plan)["threads"]
    with certificate() as pem, Stub(certificate=pem) as stub:
        sealed = measure("senders", REMOTE, ["plain"], stub, plan)["plain"]
    with Stub(delay=AWAY_MILLISECONDS) as stub:
        away = measure("senders", REMOTE, ["plain"], stub, plan)["plain"]
    plain = near["plain"]
    rows = [_row(name, plain, sealed, away, crowd) for name in SENDERS]
    heads = [
        "what a view calls",
        "CPU, ms",
        "CPU",
        "wall, TLS",
        "wall, 5 ms away",
        "8 threads, tasks/s",
        "calls",
    ]
    text = (
        "Ratios compare with one plain `send_message` of boto3 in the same rounds. Our rows and boto3's "
        "second row write a record, which a result needs. A fresh thread is compared with a thread that "
        "waits for its calls while other threads are made, because making threads alone leaves the "
        "processor's caches cold. The next column compares it with calls in a loop."
    )
    return Section(
        "Enqueue",
        text,
        [table(heads, rows), _fresh(near)],
        [*_figures(plain, sealed, away, crowd), *_fresh_figures(near)],
    )


def _row(
    name: str,
    plain: Mapping[str, Series],
    sealed: Mapping[str, Series],
    away: Mapping[str, Series],
    crowd: Mapping[str, Series],
) -> list[str]:
    series = plain[name]
    cells = [series.label, f"{1000 * series.median('cpu'):.3f}", number(series.ratio("cpu", plain["boto3"]))]
    cells += [
        number(found[name].ratio("wall", found["boto3"])) if name in found else "–"
        for found in (sealed, away)
    ]
    cells.append(f"{1 / crowd[name].median('wall'):,.0f}" if name in crowd else "–")
    return [*cells, ", ".join(f"{count:g} {call}" for call, count in sorted(series.calls.items())) or "–"]


def _fresh(near: Found) -> str:
    """Return what a fresh thread, or a fresh async context, adds to the same contender's warm cost."""
    rows = []
    for name, series in near["plain"].items():
        if name == "floor":
            continue
        threads, contexts = near["fresh_threads"][name], near["fresh_contexts"].get(name)
        waiting = near["waiting_thread"][name]
        cells = [series.label, number(threads.ratio("cpu", waiting)), number(threads.ratio("cpu", series))]
        cells.append(str(threads.connections))
        cells += (
            [number(contexts.ratio("cpu", near["awaited"][name])), str(contexts.connections)]
            if contexts
            else ["–", "–"]
        )
        rows.append(cells)
    return table(
        [
            "CPU, to its own warm",
            "fresh thread, to one that waits",
            "to calls in a loop",
            "new connections",
            "fresh async context",
            "new connections",
        ],
        rows,
    )


def _figures(
    plain: Mapping[str, Series],
    sealed: Mapping[str, Series],
    away: Mapping[str, Series],
    crowd: Mapping[str, Series],
) -> list[Figure]:
    rate = {name: 1 / series.median("wall") for name, series in crowd.items()}
    return [
        Figure(
            "enqueue with record, CPU, to boto3 `send_message`",
            plain["offload"].ratio("cpu", plain["boto3"]),
            0.30,
        ),
        Figure("the same over TLS, wall", sealed["offload"].ratio("wall", sealed["boto3"]), 0.35),
        Figure("the same with AWS 5 ms away, wall", away["offload"].ratio("wall", away["boto3"]), 0.95),
        Figure("8 threads, tasks/s, to Celery", rate["offload"] / rate["celery"], 4.5, at_least=True),
        Figure("8 threads, tasks/s, to boto3", rate["offload"] / rate["boto3"], 3.2, at_least=True),
        Figure(
            "`client: boto3`, CPU, to the same two calls of raw boto3",
            plain["offload-boto3"].ratio("cpu", plain["boto3-record"]),
            1.10,
        ),
    ]


def _fresh_figures(near: Found) -> list[Figure]:
    threads, contexts = near["fresh_threads"]["offload"], near["fresh_contexts"]["offload"]
    return [
        Figure(
            "in a fresh thread, CPU, to our own in one that waits",
            threads.ratio("cpu", near["waiting_thread"]["offload"]),
            1.3,
        ),
        Figure("in a fresh thread, new connections", threads.connections, 0, ""),
        Figure(
            "in a fresh async context, CPU, to our own warm",
            contexts.ratio("cpu", near["awaited"]["offload"]),
            1.3,
        ),
        Figure("in a fresh async context, new connections", contexts.connections, 0, ""),
    ]
