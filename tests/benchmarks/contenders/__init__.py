"""Who is measured: a name, and how to make what is called again and again."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/bench-default"
TABLE = "bench-tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one process does again and again."""

    once: Callable[[], object]
    awaited: Callable[[], Awaitable[object]] | None = None
    tasks: int = 1  # That it does at once.
    prepare: Callable[[int], object] = lambda count: None  # Before so many are measured.


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One of whom is compared."""

    label: str
    made_by: str  # A function of a module here, which returns the Work.
    ours: bool = False
    environment: tuple[tuple[str, str], ...] = ()

    def work(self) -> Work:
        """Make it, in the process that measures it."""
        module, _, name = self.made_by.partition(":")
        make: Callable[[], Work] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
        return make()


def boto3_clients() -> tuple[Any, Any]:
    """Return boto3's own clients of SQS and DynamoDB, as its documentation makes them."""
    import boto3

    session = boto3.session.Session()
    return session.client("sqs"), session.client("dynamodb")


LEAN, BOTO3 = (("BENCHMARK_CLIENT", "lean"),), (("BENCHMARK_CLIENT", "boto3"),)
NO_RECORD = (*LEAN, ("BENCHMARK_NO_RECORD", "1"))

SENDERS = {
    "boto3": Contender(label="boto3 `send_message` alone", made_by="raw:send"),
    "boto3-record": Contender(label="boto3 `put_item`, then `send_message`", made_by="raw:record_and_send"),
    "celery": Contender(label="Celery `.delay()`, SQS (no record)", made_by="others:celery"),
    "zappa": Contender(label="Zappa `@task`, Lambda (no record)", made_by="others:zappa"),
    "dramatiq": Contender(label="dramatiq_sqs `.send()` (no record)", made_by="others:dramatiq"),
    "tasks-sqs": Contender(
        label="django-tasks-sqs (no result)",
        made_by="others:django_tasks_sqs",
        environment=(("BENCHMARK_OTHER", "sqs"),),
    ),
    "tasks-db": Contender(
        label="django-tasks-db, SQLite (no AWS)",
        made_by="others:django_tasks_db",
        environment=(("BENCHMARK_OTHER", "db"),),
    ),
    "lambda-tasks": Contender(
        label="django-lambda-tasks (no record)",
        made_by="others:lambda_tasks",
        environment=(("BENCHMARK_OTHER", "lambda"),),
    ),
    "offload-boto3": Contender(
        label="**django-offload**, `client: boto3`", made_by="ours:enqueue", ours=True, environment=BOTO3
    ),
    "offload": Contender(
        label="**django-offload**, `client: lean`", made_by="ours:enqueue", ours=True, environment=LEAN
    ),
    "offload-less": Contender(
        label="**django-offload**, lean, `record_at_enqueue: False`",
        made_by="ours:enqueue",
        ours=True,
        environment=NO_RECORD,
    ),
    "floor": Contender(label="floor: one bare socket, one call", made_by="raw:floor"),
}
BULK = {
    "boto3": Contender(label="boto3 `send_message` alone, one by one", made_by="raw:send"),
    "boto3-batch": Contender(label="boto3 `send_message_batch` of 10 (no record)", made_by="raw:send_batch"),
    "boto3-batches": Contender(
        label="boto3 `batch_writer()`, then `send_message_batch`", made_by="raw:record_and_send_batch"
    ),
    "tasks-sqs": Contender(
        label="django-tasks-sqs `enqueue_many` (no result)",
        made_by="others:django_tasks_sqs_many",
        environment=(("BENCHMARK_OTHER", "sqs"),),
    ),
    "offload": Contender(
        label="**django-offload** `enqueue_many`, lean",
        made_by="ours:enqueue_many",
        ours=True,
        environment=LEAN,
    ),
    "offload-less": Contender(
        label="**django-offload** `enqueue_many`, lean, `record_at_enqueue: False`",
        made_by="ours:enqueue_many",
        ours=True,
        environment=NO_RECORD,
    ),
    "offload-generator": Contender(
        label="**django-offload** `enqueue_many`, lean, one generator",
        made_by="ours:generator",
        ours=True,
        environment=LEAN,
    ),
}
WORKERS = {
    "boto3": Contender(label="boto3 loop: receive 10, outcome, delete", made_by="raw:loop"),
    "boto3-claim": Contender(label="boto3 loop with a claim", made_by="raw:loop_with_claim"),
    "boto3-writes": Contender(label="boto3: claim and outcome alone", made_by="raw:claim_and_outcome"),
    "offload-boto3": Contender(
        label="**django-offload** handler, `client: boto3`", made_by="ours:work", ours=True, environment=BOTO3
    ),
    "offload": Contender(
        label="**django-offload** handler, `client: lean`", made_by="ours:work", ours=True, environment=LEAN
    ),
}
KINDS = {"senders": SENDERS, "bulk": BULK, "workers": WORKERS}
