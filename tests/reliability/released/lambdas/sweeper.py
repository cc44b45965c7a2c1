"""The door for the schedule."""

import os

from django_offload.worker.start import start_whole

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
start_whole()

# A task module may need the app registry, so this import comes after the start.
from django_offload.worker.sweep import handler

__all__ = ["handler"]
