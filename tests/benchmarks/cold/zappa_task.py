"""A function that does nothing, as Zappa's asynchronous tasks are declared."""

from zappa.asynchronous import task


@task
def nothing(number: int) -> None:
    pass
