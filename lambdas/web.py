"""The handler for requests: Zappa's own, started after the secrets that the settings read are loaded."""

from django_offload.aws import secrets
from django_offload.worker.start import module_index

module_index.install()
secrets.load()

# Zappa's handler is at the root of the package. Importing it loads the settings.
from handler import lambda_handler as handler

__all__ = ["handler"]
