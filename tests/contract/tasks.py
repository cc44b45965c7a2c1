"""Tasks as a project writes them, with Django's own decorator."""

from datetime import UTC, datetime

from django_offload.compat import TaskContext, task


class UnreadableError(Exception):
    """An exception whose message cannot be read."""

    def __str__(self) -> str:
        raise RuntimeError("no message for you")


@task
def nothing(*args, **kwargs):
    return None


@task()
async def nothing_async(*args, **kwargs):
    return None


@task
def answer():
    return 42


@task
async def answer_async():
    return 42


@task
def echo(*args, **kwargs):
    return [args, kwargs]


@task
def add(first, second=0):
    return first + second


@task
def raises_value_error():
    raise ValueError("The stock is negative")


@task
async def raises_async():
    raise LookupError("The order is gone")


@task
def raises_system_exit():
    raise SystemExit("The script has ended")


@task
def raises_keyboard_interrupt():
    raise KeyboardInterrupt("Somebody pressed Ctrl-C")


@task
def raises_nested_error():
    raise ValueError(ValueError("The inner one"))


@task
def raises_unreadable_error():
    raise UnreadableError


@task
def raises_type_error():
    return len(5)


@task
def returns_what_json_cannot_hold():
    return lambda: True


@task
def returns_a_tuple():
    return (1, ("two", b"three"))


@task
def returns_much(characters):
    return "x" * characters


@task(takes_context=True)
def own_id(context):
    return context.task_result.id


@task(takes_context=True)
def own_attempt(context, *args):
    assert isinstance(context, TaskContext)
    return [context.attempt, context.task_result.status, context.task_result.args]


@task(queue_name="reports")
def on_the_queue_for_reports():
    return "reported"


@task
def now():
    return datetime.now(UTC).timestamp()


@task
def enqueues_itself_twice():
    enqueues_itself_twice.enqueue()
    enqueues_itself_twice.enqueue()
