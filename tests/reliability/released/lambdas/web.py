"""The door for requests: Zappa's handler, once the secrets are there that the site's settings read."""

from django_offload import secret_values
from django_offload.worker import module_index

module_index.install()
secret_values.load()

# Zappa's handler, at the root of the package, loads the settings.
from handler import lambda_handler as handler

__all__ = ["handler"]
