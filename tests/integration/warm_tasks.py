"""Tasks, a third of which fail with 5 MB in their local variables."""

from django_offload import task

LOCALS = 5_000_000


@task
def succeed(number: int) -> int:
    return number


@task
def fail(number: int) -> None:
    block = bytearray(b"x") * LOCALS
    try:
        raise LookupError(len(block))
    except LookupError as exc:
        saved = exc
    raise ValueError(f"The order {number} is gone") from saved


@task
async def succeed_on_the_loop(number: int) -> int:
    return succeed.func(number)


@task
async def fail_on_the_loop(number: int) -> None:
    fail.func(number)


# A third of them fails.
TASKS = [succeed, fail, succeed_on_the_loop, succeed, succeed_on_the_loop, fail_on_the_loop]
