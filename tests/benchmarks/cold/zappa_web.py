"""The web function with Zappa's handler, after the package's index and the secrets."""

from django_offload.aws import secrets
from django_offload.worker.start import module_index

module_index.install()
secrets.load()

from zappa.handler import lambda_handler as handler  # noqa: E402, it finds its modules by the index

__all__ = ["handler"]
