"""Use the site of the page on django-q2, on either side."""

from collections.abc import Callable

from orders import views


def use(work: Callable[[], object]) -> None:
    """Invoice an order."""
    task_id = views.start(7)
    work()
    assert views.result_of(task_id) == "invoice 7"
