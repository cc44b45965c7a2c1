"""The door for whoever deploys: it migrates the database, and does nothing else."""

import os

import django
from django.apps import apps

from django_offload import secret_values

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not apps.ready:
    secret_values.load()  # The settings read them.
    django.setup()

from django_offload.worker.migration import handler

__all__ = ["handler"]
