"""Tasks of the simulation: what they do is counted, and what they must give is known."""

from datetime import timedelta
from typing import Any

from django_offload import task
from tests.simulation.stage import stage


@task(name="sim.plain")
def plain(a: int, b: int) -> int:
    return a * b


@task(takes_context=True, name="sim.add")
def add(context: Any, a: int, b: int) -> int:
    value: int = context.atomic("add", stage.effect, context.task_result.id, a + b)
    return value


@task(takes_context=True, name="sim.flaky", max_attempts=5, backoff=2.0)
def flaky(context: Any, failures: int) -> int:
    context.atomic("charge", stage.effect, context.task_result.id, failures)
    if context.attempt <= failures:
        raise OSError("The bank does not answer")
    return failures


@task(takes_context=True, name="sim.patient", max_attempts=3, backoff=lambda attempt: 1_200 * attempt)
def patient(context: Any, failures: int) -> int:
    if context.attempt <= failures:
        raise OSError("The bank is closed")
    return failures


@task(takes_context=True, name="sim.broken")
def broken(context: Any) -> None:
    context.atomic("broken", stage.effect, context.task_result.id, 0)
    raise ValueError("The stock is negative")


@task(name="sim.leaves")
def leaves() -> None:
    raise SystemExit(3)


@task(name="sim.large")
def large(size: int) -> str:
    return "x" * size


@task(takes_context=True, name="sim.attempted")
def attempted(context: Any) -> str:
    return str(context.attempt) * 400


@task(name="sim.measure")
def measure(text: str) -> int:
    return len(text)


@task(takes_context=True, name="sim.steps")
def steps(context: Any, count: int) -> list[int]:
    task_id = context.task_result.id
    return [context.step(f"s{number}", stage.step, task_id, f"s{number}", number) for number in range(count)]


@task(takes_context=True, name="sim.watched")
def watched(context: Any, total: int) -> int:
    for done in range(1, total + 1):
        stage.work(0.7)
        context.progress(done, total)
    return total


@task(takes_context=True, name="sim.slow")
def slow(context: Any, seconds: int) -> int:
    stage.work(seconds)
    value: int = context.atomic("slow", stage.effect, context.task_result.id, seconds)
    return value


@task(name="sim.tired", max_attempts=3)
def tired(seconds: int) -> None:
    stage.work(seconds)
    raise OSError("The bank hung up")


@task(name="sim.renamed.before")
def renamed(value: int) -> int:
    return value


@task(name="sim.resized")
def resized(value: int) -> int:
    return value


@task(name="sim.fresh")
def fresh(value: int) -> int:
    return value


@task(takes_context=True, name="sim.unique", unique=True, max_attempts=2, backoff=lambda attempt: 20)
def unique(context: Any, key: str) -> str:
    return stage.alone(context.task_result.id, key)


@task(takes_context=True, name="sim.queued", unique="queued", max_attempts=2, backoff=lambda attempt: 20)
def queued(context: Any, key: str) -> str:
    return stage.alone(context.task_result.id, key)


@task(
    takes_context=True,
    name="sim.impatient",
    unique=True,
    unique_for=timedelta(seconds=90),
    max_attempts=2,
    backoff=20.0,
)
def impatient(context: Any, key: str) -> str:
    return stage.alone(context.task_result.id, key)
