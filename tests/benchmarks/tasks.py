"""Tasks that do nothing."""

from django_offload import task


@task
def nothing(number: int) -> None:
    pass
