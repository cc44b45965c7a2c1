"""Settings of the demo, with a log line for each request, as runserver writes them by default."""

from config.settings import *  # noqa: F403
from config.settings import LOGGING

LOGGING["loggers"]["django.server"]["level"] = "INFO"
