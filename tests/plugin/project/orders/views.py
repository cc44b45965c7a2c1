"""Pages that hand their work to a task."""

from django.db import transaction

from django_offload.http import accepted

from .tasks import write


def write_receipt(request, order):
    """Write a receipt once the order is kept."""
    with transaction.atomic():
        result = write.enqueue(order)
    return accepted(result)
