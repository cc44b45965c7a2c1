"""Tasks with every kind of parameter."""

from functools import wraps

from django_offload import task


@task
def ship(order, *rest, **options):
    return order


@task(takes_context=True)
def ship_with_context(context, order):
    return order


@task(name="orders.pay", sensitive=("card", "options"))
def pay(card, **options):
    return None


@task
def two(first, second=0):
    return None


@task(takes_context=True)
def own(context):
    return context.task_result.id


@task
def every_kind(first, /, second=0, *rest, key, other=None, **options):
    return None


@task
def only_positional(first, /):
    return None


def logged(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@task
@logged
def wrapped(first):
    return None


@task
async def later(number):
    return number
