"""Tasks that leave a trace in this process, and tasks that tests reach into."""

from collections.abc import Callable
from typing import Any

from django_offload import progress, task

RUNS: list[Any] = []  # What ran, in its order.
HOOKS: list[Callable[[str], object]] = []  # Called once each, with the task's id, by the next task that runs.


@task
def note(value):
    RUNS.append(value)
    return value


@task(takes_context=True, max_attempts=3, backoff=0)
def retried(context, value):
    RUNS.append((value, context.attempt))
    _hook(context)
    return value


@task(max_attempts=3, backoff=600)
def retried_later(value):
    RUNS.append(value)
    raise OSError("not yet")


@task(max_attempts=3, backoff=lambda attempt: -1)
def retried_with_a_broken_backoff():
    raise OSError("not yet")


@task(takes_context=True)
def hooked(context, value):
    RUNS.append(value)
    _hook(context)
    return value


@task(takes_context=True)
def reports(context):
    RUNS.append(context.task_result.id)
    progress(1, 4, "quarter")
    _hook(context)
    return [context.cancelled, context.attempt]


@task
def enqueues(value, times=1):
    return [note.enqueue(value).id for _ in range(times)]


@task(takes_context=True)
def tells_its_depth(context, deeper):
    RUNS.append((context.depth, context.traceparent))
    if deeper:
        tells_its_depth.enqueue(deeper - 1)


@task
def returns_characters(characters):
    return "x" * characters


@task
def length(text):
    return len(text)


@task(sensitive="card")
def pays(card):
    raise ValueError("refused")


@task(name="orders.send", aliases=["orders.mail"])
def renamed(order):
    return order


def _hook(context):
    if HOOKS:
        HOOKS.pop(0)(context.task_result.id)


ASKED: list[Any] = []  # What the backoff of `shaky` does. Each test brings its own.


def ask(exception, task_result):
    (answer,) = ASKED
    return answer(exception, task_result)


@task(max_attempts=3, backoff=ask, takes_context=True)
def shaky(context, value):
    raise OSError(f"attempt {context.attempt} of {value}")


@task(max_attempts=3, backoff=ask)
async def shaky_coroutine(value):
    raise OSError(f"down with {value}")


@task(max_attempts=3, backoff=ask, sensitive="value")
def shaky_secret(value):
    raise OSError(f"down with {value}")


WORK: list[Any] = []  # What the next attempts of these tasks do with their context, one each.


@task(takes_context=True, max_attempts=3, backoff=0)
def annotated(context):
    return WORK.pop(0)(context)


@task(takes_context=True, max_attempts=3, backoff=0)
async def annotated_coroutine(context):
    outcome = WORK.pop(0)(context)
    await context.asave_metadata()
    return outcome
