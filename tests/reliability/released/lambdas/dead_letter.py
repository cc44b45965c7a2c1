"""The door for the dead-letter queues' messages."""

import os

from django_offload.worker.start import start_whole

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
start_whole()

# A task module may need the app registry, so this import comes after the start.
from django_offload.worker.dead_letter import handler

__all__ = ["handler"]
