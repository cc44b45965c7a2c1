"""Tasks of a project that uses the portable decorator."""

import time

from django_offload import progress, task, track


@task
def double(number):
    return 2 * number


@task(takes_context=True)
def count(context, total):
    for done in range(1, total + 1):
        context.progress(done, total, f"step {done}")
    return [context.attempt, context.cancelled, context.remaining.total_seconds() > 0]


@task(takes_context=True)
async def count_async(context, total):
    context.progress(total, total)
    return total


@task
def follow(items):
    progress(0, len(items))
    return list(track(items))


@task(
    max_attempts=5,
    backoff=0.5,
    retry_on=OSError,
    no_retry_on=(FileNotFoundError,),
    timeout=20,
    result_ttl=3600,
    name="orders.send",
    aliases="orders.mail",
    sensitive="card",
)
def send(order, card=None):
    return order


@task(backoff=lambda attempt: 7 * attempt, max_attempts=4)
def patient():
    return None


send_soon = send.using(timeout=10)


# Another task of the same function, under the same name.
impatient = task(backoff=lambda attempt: attempt, max_attempts=4)(patient.func)


@task(backoff=lambda attempt: 30 * 86_400, max_attempts=2)
def in_a_month():
    raise OSError("not yet")


@task(takes_context=True, sensitive="card")
def refuse(context, card, say=""):
    progress(1, 2, f"{say} {card}")
    raise ValueError(f"refused: {card}")


@task(sensitive="secret")
def quotes(secret):
    raise ValueError(f"bad {secret}")


ON_STEP = []  # What a test does in each step of works_in_time.


@task(takes_context=True)
def works_in_time(context, seconds):
    """Work until `seconds` of the remaining time are used up, or for 5 seconds if that never falls."""
    before, gives_up_at = context.remaining.total_seconds(), time.monotonic() + 5
    while before - context.remaining.total_seconds() < seconds and time.monotonic() < gives_up_at:
        for step in ON_STEP:
            step()
    return [before, context.remaining.total_seconds()]
