"""Tasks of a sample site that need nothing but a rename."""

from celery import shared_task
from celery.utils.log import get_task_logger

logger = get_task_logger(__name__)
written: list[str] = []


@shared_task
def write(order: int, text: str = "") -> None:
    logger.info("é: order %s", order)
    written.append(f"{order}{text}")


@shared_task(queue="slow", name="notes.twice")
def write_twice(order: int) -> None:
    write(order, text=" at once")
    write.delay(order, text=" later")
