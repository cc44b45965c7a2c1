"""Runs a function together with its marker, once."""

from collections.abc import Callable
from hashlib import sha256

from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction

from .models import Effect


def once(task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
    """
    Run a function in a transaction with its marker; return what the marker keeps.

    The marker is written first: of two attempts at the same time the second waits for the first's
    transaction, and gets its result or, after a rollback, its turn.
    """
    # Said once: a router could send the marker elsewhere than the effect's transaction.
    database = using or DEFAULT_DB_ALIAS
    marker = f"{task_id}:{sha256(key.encode()).hexdigest()}"
    with transaction.atomic(using=database):
        try:
            with transaction.atomic(using=database):
                effect = Effect(id=marker, result="null")
                effect.save(using=database, force_insert=True)
        except IntegrityError:
            return Effect.objects.using(database).get(id=marker).result
        effect.result = run()
        effect.save(using=database, update_fields=["result"])
        return effect.result
