"""A task of Django's that does nothing, for backends that are not ours."""

from django.tasks import task


@task
def nothing(number: int) -> None:
    pass
