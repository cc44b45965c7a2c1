"""The shop's tasks."""

import time

from django_offload import task


@task
def write(order):
    """Write a receipt into the database."""
    from .models import Receipt

    return str(Receipt.objects.create(order=order))


@task(max_attempts=3, backoff=60)
def fetch(order):
    """Fetch an order from another service."""
    return f"order {order}"


@task(queue_name="mail", timeout=30)
def send(order):
    """Pretend to send a mail."""
    return f"mail of {order}"


@task
def hold(seconds):
    """Keep a worker busy, and return when that started and ended."""
    began = time.time()
    print("held for", seconds)
    time.sleep(seconds)
    return [began, time.time()]


@task
async def greet(name):
    """Greet somebody, in a coroutine."""
    return f"Hello, {name}"


@task
async def greet_receipt(order):
    """Greet a receipt, which a coroutine reads from the database."""
    from .models import Receipt

    return f"Hello, {await Receipt.objects.aget(order=order)}"
