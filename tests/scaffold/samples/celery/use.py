"""Use the sample site as its visitors do: use.py celery, use.py both or use.py offload."""

import os
import sys
from collections.abc import Callable
from importlib import import_module

import django


def use_notes(work: Callable[[], object]) -> None:
    """Write notes, and let the tasks run."""
    from django.test import Client
    from notes import tasks

    assert Client().get("/note/?order=3").json()["id"]
    work()
    assert sorted(tasks.written) == ["3", "3 at once", "3 later", "3 now"], tasks.written


def use_orders_of_celery() -> None:
    """Order something. Celery runs the task at once, again after each failure."""
    from django.test import Client
    from orders import tasks

    assert Client().get("/order/?order=7").json()["id"]
    assert tasks.failures == []


def use_orders(work: Callable[[], object]) -> None:
    """Order something, and follow it."""
    from django.test import Client

    client = Client()
    task_id = client.get("/order/?order=7").json()["id"]
    assert client.get(f"/order/{task_id}/").json()["state"] == "READY"
    # ship() three times, since two attempts fail; remind() from the page and from ship(), a minute later.
    assert work() == 5
    answer = client.get(f"/order/{task_id}/").json()
    assert answer == {"state": "SUCCESSFUL", "result": "7 express after 2 retries"}, answer


def main(with_what: str) -> None:
    if with_what != "offload":
        import_module("shop.celery").app.set_default()
    if with_what == "celery":
        use_notes(lambda: None)
        use_orders_of_celery()
        return
    with import_module("django_offload.testing").Offload().active() as offload:
        use_notes(offload.run)
        if with_what == "both":
            use_orders_of_celery()
        else:
            use_orders(offload.run)


os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()
main(sys.argv[1])
print("used")
