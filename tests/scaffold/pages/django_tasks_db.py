"""Use the site of the page on django-tasks-db, on either side."""

from collections.abc import Callable

from orders import views


def use(work: Callable[[], object]) -> None:
    """Invoice and ship an order."""
    invoice, ship = views.start(7)
    assert views.result_of(invoice) is None
    work()
    assert views.result_of(invoice) == "invoice 7"
    assert views.result_of(ship) == "7 shipped on attempt 1"
