"""Django's settings of the simulation as a command: no site, a database in memory, no logs."""

from tests.simulation.setup import tasks_setting

SECRET_KEY = "of the simulation alone"
INSTALLED_APPS = ["django_offload", "django_offload.effects", "django_offload.outbox"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
TASKS = tasks_setting()
USE_TZ = True
LOGGING_CONFIG = None
