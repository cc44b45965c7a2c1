"""The handler for HTTP requests."""

from django_offload.web.start import start

handler = start()

__all__ = ["handler"]
