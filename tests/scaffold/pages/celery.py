"""Use the site of the page on Celery, on either side."""

from collections.abc import Callable

from orders import tasks, views


def use(work: Callable[[], object]) -> None:
    """Ship and invoice an order, now and later."""
    now, later = views.start(7), views.start_later(8)
    work()
    assert (views.result_of(now), views.result_of(later)) == ("invoice 7", "invoice 8")
    assert tasks.shipped == ["7 after 1 retries"]
