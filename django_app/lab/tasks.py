"""The tasks of the reference site."""

from typing import Any

from django_offload import task
from django_offload.definition.context import OffloadContext
from django_offload.exceptions import Cancelled

from . import files
from .mandelbrot import PLACES, draw_tile, tile_file
from .photos import RENDITIONS, PhotoRefused, render
from .rates import ATTEMPTS, fetch_rates
from .reports.build import Report, build_report


def publish(run: str, report: Report) -> dict[str, Any]:
    """Store the files of a report, and return its summary."""
    for name, data in report.files.items():
        files.put(run, name, data)
    return report.summary


@task(queue_name="reports", takes_context=True, max_attempts=3, no_retry_on=ValueError, timeout=120)
def sales_report(context: OffloadContext, orders: int) -> dict[str, Any]:
    """Make a report on the first `orders` orders. Stop if the visitor cancels it."""

    def on_progress(done: int, total: int, message: str) -> None:
        context.progress(done, total, message)
        if context.cancelled:
            raise Cancelled

    return publish(context.task_result.id, build_report(orders, on_progress))


@task(queue_name="photos", takes_context=True, max_attempts=3, no_retry_on=PhotoRefused, timeout=60)
def photo_renditions(context: OffloadContext, upload: str) -> dict[str, Any]:
    """Make the renditions of a photo, and store each at once. Stop if the visitor cancels the task."""
    original = files.get(upload, "original")
    if original is None:
        raise FileNotFoundError(f"The upload {upload} no longer exists. Upload the photo again.")
    sizes: dict[str, int] = {}
    context.progress(0, len(RENDITIONS), "Reading the photo")
    for rendition, data in render(original):
        files.put(context.task_result.id, rendition.file, data)
        sizes[rendition.file] = len(data)
        context.progress(len(sizes), len(RENDITIONS), f"Made {rendition.name}")
        if len(sizes) < len(RENDITIONS) and context.cancelled:
            raise Cancelled
    return {"files": sizes}


@task(max_attempts=3, timeout=60)
def mandelbrot_tile(picture: str, place: str, number: int) -> int:
    """Draw one tile of a picture, store it, and return its size in bytes."""
    data = draw_tile(PLACES[place], number)
    files.put(picture, tile_file(number), data)
    return len(data)


@task(takes_context=True, max_attempts=ATTEMPTS, backoff=1, timeout=30)
def exchange_rates(context: OffloadContext, failures: int) -> dict[str, str]:
    """Fetch the exchange rates from a source that first fails `failures` times, on purpose."""
    return fetch_rates(context.attempt, failures)
