"""Recurring tasks."""

from django_offload import cron, every, task

ran: list[object] = []


@task(schedule=cron("0 3 * * *", timezone="Europe/Zurich", args=[7]))
def nightly(number: int) -> None:
    ran.append(number)


@task(takes_context=True, schedule=every(minutes=15, overlap="skip", name="sync"))
async def sync_orders(context: object) -> None:
    ran.append("sync")
