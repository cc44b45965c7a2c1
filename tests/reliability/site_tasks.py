"""What the killed workers work on."""

from typing import Any

from django.db import connection

from django_offload import task
from tests.reliability.nursery import EFFECT, reached


# A batch's last must find the time that it needs, or comes again.
@task(takes_context=True, timeout=1)
def book(context: Any, number: int) -> int:
    """Write into the ledger once, whoever is killed when."""
    booked: int = context.atomic("book", write, number)
    return booked


def write(number: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger (entry) VALUES (%s)", [str(number)])
    reached(EFFECT)
    return 2 * number
