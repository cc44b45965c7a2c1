"""A function that has set up Django and made our client of two services, and does nothing."""

from typing import Any

import django

from django_offload.aws import LEAN, client

django.setup()
clients = [client(service, LEAN) for service in ("dynamodb", "sqs")]


def handler(event: Any, context: Any) -> None:
    pass
