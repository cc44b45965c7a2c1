"""
A project with django-debug-toolbar, run as a script: prints what its Tasks panel lists of one request.

In a process of its own: the toolbar's app and middleware would be in the way of every other test.
"""

# ruff: noqa: E402 - settings come first, then what reads them.
import sys

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse

SETTINGS = {
    "ALLOWED_HOSTS": ["testserver"],
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    "DEBUG": True,
    "DEBUG_TOOLBAR_CONFIG": {"SHOW_TOOLBAR_CALLBACK": lambda request: True, "IS_RUNNING_TESTS": False},
    "INSTALLED_APPS": [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.staticfiles",
        "debug_toolbar",
        "django_offload",
    ],
    "MIDDLEWARE": ["debug_toolbar.middleware.DebugToolbarMiddleware"],
    "ROOT_URLCONF": __name__,
    "SECRET_KEY": "tests",
    "STATIC_URL": "/static/",
    "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
}

if __name__ == "__main__":
    options = {"stack": "shop", "modules": ["tests.unit.tasks"]}
    backend = {"BACKEND": f"django_offload.backends.{sys.argv[1]}", "QUEUES": ["default", "reports"]}
    settings.configure(**SETTINGS, TASKS={"default": {**backend, "OPTIONS": options}})
    django.setup()

from debug_toolbar.store import get_store
from django.test import Client
from django.urls import include, path

from django_offload.testing import Offload
from tests.unit import tasks


def page(request: HttpRequest) -> HttpResponse:
    tasks.double.enqueue(21)
    list(tasks.send.enqueue_many([(1,), {"order": 2}]))
    return HttpResponse("<html><body>Enqueued.</body></html>")


urlpatterns = [path("", page), path("toolbar/", include("debug_toolbar.urls"))]


def main() -> None:
    answer = Client().get("/")
    assert b"djDebug" in answer.content, "the toolbar is not on the page"
    store = get_store()
    (request_id,) = store.request_ids()
    for task in store.panel(request_id, "TasksPanel")["tasks"]:
        print(task["task"]["module_path"], task["backend"], task["status"], task["args"], task["kwargs"])
    panel = {"request_id": request_id, "panel_id": "TasksPanel"}
    shown = Client().get("/toolbar/render_panel/", panel).json()["content"]
    assert "tests.unit.tasks.double" in shown, shown


if __name__ == "__main__":
    with Offload().active() as offload:
        main()
        print(offload.run(), "ran")
