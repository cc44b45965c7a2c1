"""Long work of a sample site, as a person writes it after reading the answers."""

import logging
import random
from datetime import timedelta

from django.utils import timezone

from django_offload import task

logger = logging.getLogger(__name__)
failures = [ConnectionError("away"), ConnectionError("away")]


class Closed(Exception):
    """The carrier takes nothing today."""


@task(
    takes_context=True,
    retry_on=(ConnectionError,),
    no_retry_on=(Closed,),
    backoff=2,
    max_attempts=5,
    timeout=30,
)
def ship(context, order, express=False):
    logger.info("é: order %s, attempt %s, %s", order, context.attempt - 1, context.task_result.id)
    if failures:
        raise failures.pop()
    remind.using(run_after=timezone.now() + timedelta(seconds=60)).enqueue(order, again=True)
    return f"{order} {'express' if express else 'slowly'} after {context.attempt - 1} retries"


@task(name="shop.remind", queue_name="slow")
def remind(order, again=False):
    return fee.call(order) + random.choice([0])


@task
def fee(order):
    return order * 2
