"""The same project without a database and without the app that needs one."""

from .settings import *  # noqa: F403

DATABASES = {}
INSTALLED_APPS = ["django_offload"]
TASKS["default"]["OPTIONS"]["modules"] = ["orders.tasks"]  # noqa: F405
TASKS.pop("direct")  # noqa: F405
