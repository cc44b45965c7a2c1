"""Views that enqueue tasks."""

from django.db import transaction

from django_offload.http import accepted

from .tasks import write


def write_receipt(request, order):
    """Write a receipt after the order is stored."""
    with transaction.atomic():
        result = write.enqueue(order)
    return accepted(result)
