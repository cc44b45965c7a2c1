"""The door for requests: Zappa's handler, once the secrets are there that the site's settings read."""

from django_offload.aws import secrets
from django_offload.worker.start import module_index

module_index.install()
secrets.load()

# Zappa's handler, at the root of the package, loads the settings.
from handler import lambda_handler as handler

__all__ = ["handler"]
