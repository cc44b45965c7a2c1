"""The handler for messages in the dead-letter queues."""

import os

from django_offload.worker.start import start_whole

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
start_whole()

# Task modules may need Django's app registry, so this import comes after the start.
from django_offload.worker.dead_letter import handler

__all__ = ["handler"]
