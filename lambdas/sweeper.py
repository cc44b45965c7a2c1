"""The handler for the schedule, which starts the sweeper."""

import os

from django_offload.worker.start import start_whole

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
start_whole()

# Task modules may need Django's app registry, so this import comes after the start.
from django_offload.worker.sweep import handler

__all__ = ["handler"]
