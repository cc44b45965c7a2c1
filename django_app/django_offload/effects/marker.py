"""Runs a function and stores a marker in one transaction, so that the function's effect happens once."""

from collections.abc import Callable
from hashlib import sha256

from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, transaction

from .models import Effect


def once(task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
    """
    Run a function and store a marker in one transaction; return the result that the marker contains.

    The marker is inserted first, so that a second attempt at the same time waits for the transaction of the
    first one. It then gets that result or, after a rollback, runs the function itself. Raise
    OperationalError if the task's own transaction is too old to see the result.
    """
    # Both transactions name the database, because a router could send the marker to another one.
    database = using or DEFAULT_DB_ALIAS
    marker_id = f"{task_id}:{sha256(key.encode()).hexdigest()}"
    markers = Effect.objects.using(database).filter(id=marker_id)
    with transaction.atomic(using=database):
        try:
            with transaction.atomic(using=database):
                effect = Effect(id=marker_id, result="null")
                effect.save(using=database, force_insert=True)
        except IntegrityError:
            marker = markers.first()
        else:
            effect.result = run()
            effect.save(using=database, update_fields=["result"])
            return effect.result
    # Under REPEATABLE READ, only a new transaction sees what was committed after the last one began.
    marker = marker or markers.first()
    if marker is None:
        raise OperationalError(
            "Another attempt has committed this effect, but this transaction is too old to see it. Give "
            "the task another attempt (max_attempts), or call context.atomic() outside transaction.atomic()."
        )
    return marker.result
