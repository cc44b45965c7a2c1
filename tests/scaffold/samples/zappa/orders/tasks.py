"""Long work of a sample site, as Zappa's tasks."""

from zappa.asynchronous import task

baked = []


@task
def bake(pie, minutes):
    baked.append(pie)
    return f"{pie}, {minutes} minutes"
