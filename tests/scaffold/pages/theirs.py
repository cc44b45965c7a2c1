"""Run a page's site with what it comes from: theirs.py PAGE."""

import importlib
import os
import sys

import django
from django.core.management import call_command


def work() -> None:
    """Do what waits; where tasks run at once, nothing does."""
    if sys.argv[1] == "django_tasks_db":
        call_command("db_worker", batch=True, interval=0, startup_delay=False, reload=False, queue_name="*")


os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
django.setup()
call_command("migrate", verbosity=0)
if sys.argv[1] == "celery":
    importlib.import_module("shop.celery")
importlib.import_module(f"pages.{sys.argv[1]}").use(work)
print("used")
