"""The door for the dead-letter queues' messages."""

import os

import django
from django.apps import apps

from django_offload import secret_values

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not apps.ready:
    secret_values.load()  # The settings read them.
    django.setup()

# A task module may need the app registry, so this import comes after setup().
from django_offload.worker.dead_letter import handler

__all__ = ["handler"]
