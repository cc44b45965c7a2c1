"""The handler for messages from a queue, or for a single message in an asynchronous invocation."""

import os

from django_offload.worker.start import start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
start()

# Task modules may need Django's app registry, so this import comes after the start.
from django_offload.worker.batch import handler

__all__ = ["handler"]
