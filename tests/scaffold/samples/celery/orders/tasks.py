"""Long work of a sample site, as Celery's tasks."""

import random

from celery import shared_task
from celery.utils.log import get_task_logger
from shop.celery import app

logger = get_task_logger(__name__)
failures = [ConnectionError("away"), ConnectionError("away")]


class Closed(Exception):
    """The carrier takes nothing today."""


@shared_task(
    bind=True,
    autoretry_for=(ConnectionError,),
    dont_autoretry_for=(Closed,),
    retry_backoff=2,
    max_retries=4,
    soft_time_limit=30,
    acks_late=True,
)
def ship(self, order, express=False):
    logger.info("é: order %s, attempt %s, %s", order, self.request.retries, self.request.id)
    if failures:
        raise failures.pop()
    remind.apply_async(args=[order], kwargs={"again": True}, countdown=60)
    return f"{order} {'express' if express else 'slowly'} after {self.request.retries} retries"


@app.task(name="shop.remind", queue="slow", rate_limit="10/m")
def remind(order, again=False):
    return fee(order) + random.choice([0])


@app.task
def fee(order):
    return order * 2
