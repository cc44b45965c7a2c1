"""Tasks of several tenants in one queue."""

from collections.abc import Callable
from functools import partial

from django_offload import task

ran: list[tuple[str, int]] = []
# What happens inside the next run of `parent`.
inside: list[Callable[[], object]] = []
# What OPTIONS["tenant"] returns.
current: list[object] = []


def forget() -> None:
    ran.clear()
    inside.clear()
    current.clear()


def tenant() -> object:
    answer = current[0] if current else None
    if isinstance(answer, Exception):
        raise answer
    return answer


def owner() -> str | None:
    return "user:7"


def work_of(number: str) -> str:
    return f"customer-{number}"


async def later_of(number: str) -> str:
    return f"customer-{number}"


def nobody() -> None:
    return None


async def coroutine() -> str:
    return "customer-7"


async def awaited_generator():
    yield "customer-7"


def generator():
    yield "customer-7"


class Asked:
    """A function as an object."""

    def __call__(self) -> str:
        return "customer-7"


class AskedLater:
    async def __call__(self) -> str:
        return "customer-7"


asked, asked_later = Asked(), AskedLater()
partly, partly_later = partial(work_of, "7"), partial(later_of, "7")


def of_request(request: object) -> str:
    return "customer-7"


class Customer:
    """Not a text."""


@task
def work(whose, number=0):
    ran.append((whose, number))


@task(max_attempts=2, backoff=0)
def failing(whose):
    ran.append((whose, 0))
    if len(ran) == 1:
        raise ValueError(whose)


@task(max_attempts=1)
def broken():
    raise ValueError


@task
def parent():
    return [answer.id for answer in (step() for step in inside)]
