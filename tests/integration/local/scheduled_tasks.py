"""Tasks that a schedule enqueues."""

from django_offload import cron, task


@task
def count(number: int) -> int:
    return number + 1


@task(schedule=cron("30 4 * * *", timezone="Europe/Zurich", args=(7,), name="decorated"))
def decorated(number: int) -> int:
    return number + 1
