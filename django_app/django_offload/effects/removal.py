"""Removes markers that no attempt of a task can need any more."""

from collections.abc import Callable
from datetime import datetime

from django.db import connections, router

from .models import Effect

PAGE = 1_000


def remove(before: datetime, left: Callable[[], float]) -> int:
    """Remove the markers that were created before an instant, in every database; return how many."""
    databases = [alias for alias in connections if router.allow_migrate_model(alias, Effect)]
    return sum(remove_from(alias, before, left) for alias in databases)


def remove_from(alias: str, before: datetime, left: Callable[[], float]) -> int:
    with connections[alias].cursor() as cursor:
        # A database without the table was not migrated, because no task uses it in context.atomic().
        if Effect._meta.db_table not in connections[alias].introspection.table_names(cursor):
            return 0
    markers, count = Effect.objects.using(alias), 0
    while left() > 1:
        page = list(markers.filter(created_at__lt=before).values_list("pk", flat=True)[:PAGE])
        count += markers.filter(pk__in=page).delete()[0]
        if len(page) < PAGE:
            break
    return count
