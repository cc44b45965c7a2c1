"""Runs a function together with its marker, once."""

from collections.abc import Callable
from hashlib import sha256

from django.db import IntegrityError, transaction

from .models import Effect


def once(task_id: str, key: str, run: Callable[[], str], using: str | None) -> str:
    """
    Run a function in a transaction with its marker; return what the marker keeps.

    The marker is written first: of two attempts at the same time the second waits for the first's
    transaction, and gets its result or, after a rollback, its turn.
    """
    marker = f"{task_id}:{sha256(key.encode()).hexdigest()}"
    with transaction.atomic(using=using):
        try:
            with transaction.atomic(using=using):
                effect = Effect(id=marker, result="null")
                effect.save(using=using, force_insert=True)
        except IntegrityError:
            return Effect.objects.using(using).get(id=marker).result
        effect.result = run()
        effect.save(using=using, update_fields=["result"])
        return effect.result
