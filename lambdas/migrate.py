"""The handler that migrates the database during a deployment."""

import os

import django
from django.apps import apps

from django_offload.aws import secrets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if not apps.ready:
    secrets.load()  # The settings read the secrets.
    django.setup()

from django_offload.worker.migration import handler

__all__ = ["handler"]
