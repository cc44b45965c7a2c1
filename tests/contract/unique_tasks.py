"""Tasks of which only one at a time may wait or run."""

from datetime import timedelta

from django_offload import task

ran: list[tuple[object, ...]] = []
# What happens inside a task, once.
inside: list[object] = []


def forget() -> None:
    ran.clear()
    inside.clear()


def run_inside() -> None:
    if inside:
        inside.pop()()  # type: ignore[operator]


@task(unique=True)
def sync(order, force=False):
    ran.append(("sync", order, force))
    run_inside()
    return order


@task(unique="queued")
def index(order):
    ran.append(("index", order))
    run_inside()
    return order


@task(unique=lambda order, **_: order, unique_for=timedelta(hours=1))
def report(order, detail=""):
    ran.append(("report", order, detail))
    run_inside()
    return detail


@task(unique=lambda order: None)
def free(order):
    ran.append(("free", order))


@task(unique=True, max_attempts=1)
def failing(order):
    ran.append(("failing", order))
    run_inside()
    raise ValueError(order)


@task(unique=True, takes_context=True)
async def told(context, order, *rest, **more):
    ran.append(("told", order, context.task_result.id))


@task(unique=True, sensitive=["card"])
def pay(order, card):
    ran.append(("pay", order))


@task(unique=lambda card: 1 / 0, sensitive=["card"])
def refuse(card):
    """Is never enqueued, because its key can't be made."""


@task(unique=lambda order: order[0], unique_for=timedelta(microseconds=1))
def brief(order):
    ran.append(("brief", order[0]))
    return order[1:]


def racing(task_id: str, key: int) -> None:
    """Stand in for what a test of races does."""


@task(unique=True, takes_context=True)
def raced(context, key):
    racing(context.task_result.id, key)
