"""Tasks that do in a worker what workers may do."""

from django_offload import task
from django_offload.compat import default_task_backend
from tests.integration import tasks


@task
def enqueues_both_ways(size):
    for backend in ("default", "other"):
        tasks.note.using(backend=backend, queue_name="reports").enqueue("b")
    tasks.note.using(backend="other").enqueue("b")
    return tasks.length.enqueue("x" * size).id


@task
def reads_a_result(task_id):
    return default_task_backend.get_result(task_id).status


@task(takes_context=True)
def takes_a_step(context):
    return context.step("once", len, "abc")


@task(unique=True, takes_context=True, max_attempts=1)
def alone(context, number, text=""):
    """Fail, so that it can be redriven; and keep what it is told."""
    context.metadata["number"] = number
    context.save_metadata()
    raise ValueError(number)
