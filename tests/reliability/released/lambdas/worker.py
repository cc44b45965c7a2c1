"""The door for the queues' messages, or one message it is invoked with."""

import os

from django_offload.worker.start import start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
start()

# A task module may need the app registry, so this import comes after the start.
from django_offload.worker.batch import handler

__all__ = ["handler"]
