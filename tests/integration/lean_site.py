"""Settings of a small site that calls AWS by the lean client; a process of its own reads them."""

from tests.contract.setup import tasks_setting

SECRET_KEY = "of-tests-only"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_offload"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TASKS = tasks_setting(modules=["tests.contract.tasks"], client="lean")
