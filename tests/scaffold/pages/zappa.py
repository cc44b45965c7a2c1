"""Use the site of the page on Zappa, on either side."""

from collections.abc import Callable

from orders import tasks, views


def use(work: Callable[[], object]) -> None:
    """Order a pie, and taste one."""
    views.order("apple")
    work()
    assert views.taste() == "a slice, 1 minutes"
    assert tasks.baked == ["apple", "a slice"]
