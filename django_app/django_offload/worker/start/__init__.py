"""The cold start: Django as tasks need it, and no more."""

from .django_setup import start, start_whole, uncollected, write_any_text

__all__ = ["start", "start_whole", "uncollected", "write_any_text"]
