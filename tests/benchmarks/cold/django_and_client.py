"""A function that has set up Django and made the lean client of two services, and does nothing."""

from typing import Any

import django

django.setup()

from django_offload.wire import LEAN, client

clients = [client(service, LEAN) for service in ("dynamodb", "sqs")]


def handler(event: Any, context: Any) -> None:
    pass
