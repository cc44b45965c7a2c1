"""Runs a function together with its marker, once."""

from collections.abc import Callable
from hashlib import sha256

from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, transaction

from .models import Effect


def once(task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
    """
    Run a function in a transaction with its marker; return what the marker keeps.

    The marker is written first: of two attempts at the same time the second waits for the first's
    transaction, and gets its result or, after a rollback, its turn. Raise OperationalError, as databases do
    where transactions collide, if the task's own transaction is too old to see that result.
    """
    # Said once: a router could send the marker elsewhere than the effect's transaction.
    database = using or DEFAULT_DB_ALIAS
    marker = f"{task_id}:{sha256(key.encode()).hexdigest()}"
    kept = Effect.objects.using(database).filter(id=marker)
    with transaction.atomic(using=database):
        try:
            with transaction.atomic(using=database):
                effect = Effect(id=marker, result="null")
                effect.save(using=database, force_insert=True)
        except IntegrityError:
            seen = kept.first()
        else:
            effect.result = run()
            effect.save(using=database, update_fields=["result"])
            return effect.result
    # Under REPEATABLE READ only another transaction sees what was committed since this one began.
    seen = seen or kept.first()
    if seen is None:
        raise OperationalError(
            "Another attempt's effect was committed after this transaction began, which cannot see it. Give "
            "the task another attempt (max_attempts), or call context.atomic() outside transaction.atomic()."
        )
    return seen.result
