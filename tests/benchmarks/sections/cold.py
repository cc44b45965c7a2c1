"""Cold start: from the start of a process to its first task done, or its first page."""

from collections.abc import Mapping

from tests.benchmarks.cold_start import Start, event_of_ours, migrated_site, run
from tests.benchmarks.package import unzipped
from tests.benchmarks.processes import Stub
from tests.benchmarks.report import Figure, Section, table
from tests.benchmarks.rounds import Plan, Series
from tests.deploy.http_events import http

ZAPPA_EVENT = {
    "command": "zappa.asynchronous.route_lambda_task",
    "task_path": "zappa_task.nothing",
    "capture_response": False,
    "response_id": None,
    "args": [7],
    "kwargs": {},
}


def starts(python: str) -> dict[str, Start]:
    """Return what is started, by its name."""
    event = event_of_ours(python)

    def ours(client: str) -> Start:
        return Start(
            label=f"**django-offload** worker, `client: {client}`",
            handler="lambdas.worker.handler",
            event=event,
            environment=(("BENCHMARK_CLIENT", client),),
            ours=True,
        )

    return {
        "django": Start(label="Django with contenttypes and auth", handler="django_alone.handler"),
        "boto3": Start(label="the same, boto3 and two clients", handler="django_and_boto3.handler"),
        "zappa": Start(
            label="Zappa, Django, its async", handler="zappa.handler.lambda_handler", event=ZAPPA_EVENT
        ),
        "client": Start(label="Django, our client of two services", handler="django_and_client.handler"),
        "import": Start(
            label="**django-offload** worker, imported alone",
            handler="worker_alone.handler",
            ours=True,
        ),
        "secrets": Start(
            label="the same, with a secret to read",
            handler="worker_alone.handler",
            environment=(("OFFLOAD_SECRETS", '{"BENCHMARK_SECRET":"ssm:/bench/key"}'),),
            ours=True,
        ),
        "offload-boto3": ours("boto3"),
        "offload": ours("lean"),
    }


def web_starts(variables: Mapping[str, str]) -> dict[str, Start]:
    """Return the starts of the web function, which answers the first page of the reference site."""
    page, environment = http("/", url=True), tuple(variables.items())
    return {
        "web-zappa": Start(
            label="web function, Zappa's handler",
            handler="zappa_web.handler",
            event=page,
            environment=environment,
        ),
        "web": Start(
            label="**django-offload** web function",
            handler="lambdas.web.handler",
            event=page,
            environment=environment,
            ours=True,
        ),
    }


def section(plan: Plan) -> Section:
    with unzipped(plan.python) as place, Stub() as stub, migrated_site() as variables:
        wanted = starts(plan.python) | web_starts(variables)
        found = {name: Series(start.label, start.ours) for name, start in wanted.items()}
        for start in wanted.values():
            run(start, place, stub)
        for _ in range(plan.rounds):
            for name, start in wanted.items():
                found[name].rounds.append(run(start, place, stub))
    bare = found["django"]
    rows = [
        [
            series.label,
            f"{1000 * series.median('cpu'):.0f}",
            f"{1000 * series.median('wall'):.0f}",
            f"{series.median('memory'):.1f}",
            f"{1000 * (series.median('cpu') - bare.median('cpu')):+.0f}",
            f"{series.median('memory') - bare.median('memory'):+.1f}",
        ]
        for series in found.values()
    ]
    heads = [
        "process start to first task done, or first page",
        "CPU, ms",
        "wall, ms",
        "memory, MB",
        "more CPU, ms",
        "more MB",
    ]
    return Section(
        "Cold start",
        "AWS's own runtime client runs the function in a process of its own. The process finds the package "
        "of `make package`, unzipped into an empty folder, and the packages of Lambda's runtime, but nothing "
        "else. Memory is the most that the process had. The last two columns compare with the first row.",
        [table(heads, rows)],
        _figures(found),
    )


def _figures(found: dict[str, Series]) -> list[Figure]:
    def more(name: str, what: str) -> float:
        return found[name].median(what) - found["django"].median(what)

    return [
        Figure(
            "cold start, CPU beyond Django, to what boto3 adds",
            more("offload", "cpu") / more("boto3", "cpu"),
            0.2,
        ),
        Figure("cold start, CPU, to Zappa's", found["offload"].ratio("cpu", found["zappa"]), 0.5),
        Figure(
            "the worker's import, CPU, to Django and the client",
            found["import"].ratio("cpu", found["client"]),
            1.15,
        ),
        Figure(
            "the same with a secret to read, CPU, to Django and the client",
            found["secrets"].ratio("cpu", found["client"]),
            1.15,
        ),
        Figure(
            "web function, process start to first page, CPU, to Zappa's handler",
            found["web"].ratio("cpu", found["web-zappa"]),
            0.75,
        ),
        Figure("cold start, memory beyond Django", more("offload", "memory"), 4, "MB"),
    ]
