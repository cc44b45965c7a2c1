"""The cold start: Django as tasks need it, and no more."""

from .django_setup import start, start_whole, uncollected

__all__ = ["start", "start_whole", "uncollected"]
