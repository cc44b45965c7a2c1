"""A task module with a task on a queue that TASKS doesn't have."""

from django_offload import task


@task(queue_name="nowhere")
def lost():
    return None
