"""Removes markers that no task can ask for any more."""

from collections.abc import Callable
from datetime import datetime

from django.db import connections, router

from .models import Effect

PAGE = 1_000


def remove(before: datetime, left: Callable[[], float]) -> int:
    """Remove the markers made `before` an instant, in every database that has them; return how many."""
    databases = [alias for alias in connections if router.allow_migrate_model(alias, Effect)]
    return sum(_remove(alias, before, left) for alias in databases if _has_markers(alias))


def _has_markers(alias: str) -> bool:
    """Tell whether a database was migrated: context.atomic() is not for each."""
    with connections[alias].cursor() as cursor:
        return Effect._meta.db_table in connections[alias].introspection.table_names(cursor)


def _remove(alias: str, before: datetime, left: Callable[[], float]) -> int:
    markers, count = Effect.objects.using(alias), 0
    while left() > 1:
        page = list(markers.filter(created_at__lt=before).values_list("pk", flat=True)[:PAGE])
        count += markers.filter(pk__in=page).delete()[0]
        if len(page) < PAGE:
            break
    return count
