"""One task."""

from django_offload import task


@task
def count(things: list[str]) -> int:
    return len(things)
