"""Tasks of a project, beside functions that are no tasks."""

from django_offload import task
from tests.security.tripwire import FIRED

NOTED: list[object] = []


@task
def note(value: object) -> object:
    NOTED.append(value)
    return value


@task
def effect(*args: object, **kwargs: object) -> None:
    """Do what an attacker would like to start: no hostile message may run it."""
    FIRED.append(f"effect{args}{kwargs}")


@task(max_attempts=2, sensitive="card", name="shop.pay", aliases="shop.charge")
def pay(order: int, card: str = "") -> int:
    FIRED.append(f"pay {order}")
    return order


@task(queue_name="reports")
def report(number: int) -> int:
    FIRED.append(f"report {number}")
    return number


def not_a_task(*args: object, **kwargs: object) -> None:
    FIRED.append(f"not_a_task{args}{kwargs}")
