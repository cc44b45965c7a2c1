"""Save a page of a fresh site, wait for the tasks that Wagtail enqueues, and print what became of them."""

import json
import time
from typing import Any

import django
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.test.utils import override_settings

PATIENCE_SECONDS = 120


def enqueued() -> set[str]:
    """Return the ids of the tasks that were enqueued so far."""
    from home.apps import NOTES

    lines = (line.split() for line in NOTES.read_text().splitlines())
    return {task_id for _, signal, task_id, _ in lines if signal == "task_enqueued"}


def results_of_all() -> list[Any]:
    """Return the results of the tasks that were enqueued so far, once they are finished or time is over."""
    from django_tasks import default_task_backend

    deadline = time.monotonic() + PATIENCE_SECONDS
    results = [default_task_backend.get_result(task_id) for task_id in sorted(enqueued())]
    for result in results:
        while not result.is_finished and time.monotonic() < deadline:
            time.sleep(0.1)
            result.refresh()
    return results


def problems() -> list[str]:
    """Return what Django's checks say about a mistake in TASKS."""
    options = {**settings.TASKS["default"]["OPTIONS"], "stak": "x"}
    with override_settings(TASKS={"default": {**settings.TASKS["default"], "OPTIONS": options}}):
        return [message.msg for message in run_checks() if message.is_serious()]


def saved() -> dict[str, Any]:
    """Save a page, and return what became of its tasks."""
    from django_tasks import task_backends
    from home.apps import NOTES
    from home.models import HomePage
    from modelsearch.tasks import insert_or_update_object_task

    call_command("migrate", verbosity=0)
    home = HomePage.objects.get(slug="home")
    NOTES.write_text("")
    page = HomePage(title="Photographs of Lambda", slug="lambda")
    # Each step of the save indexes the page. Two at the same time might both insert its row in modelsearch's
    # table, and the slower one would fail.
    home.add_child(instance=page)
    results_of_all()
    revision = page.save_revision()
    results_of_all()
    revision.publish()
    results = results_of_all()
    return {
        "tasks": [[result.task.name, result.status, result.errors] for result in results],
        # Ours, and the class of Django's that it is derived from.
        "results": sorted(
            {type(one).__name__ for one in results}
            | {f"{base.__module__}.{base.__qualname__}" for one in results for base in type(one).__bases__}
        ),
        "task": type(insert_or_update_object_task).__name__,
        "backend": type(task_backends["default"]).__name__,
        "found": [found.slug for found in HomePage.objects.search("photographs")],
        "signals": NOTES.read_text().splitlines(),
    }


if __name__ == "__main__":
    django.setup()
    print(json.dumps(saved() | {"problems": problems()}, default=str))
