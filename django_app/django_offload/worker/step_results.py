"""Results of steps, kept beside the record of their task."""

from collections.abc import Callable

from django.apps import apps

from ..definition.context import Journal
from ..exceptions import ConfigurationError, StepTooLarge
from ..protocol.record import PART_BYTES
from ..stores import Store

EFFECTS = "django_offload.effects"


class StoreJournal(Journal):
    """Keeps a step as a part of its own; the first value kept stays, whoever comes later."""

    def __init__(self, store: Store, task_id: str, alias: str, ttl: Callable[[], int]) -> None:
        self._store, self._id, self._alias, self._ttl = store, task_id, alias, ttl

    def kept(self, key: str) -> str | None:
        return self._store.get_part(self._id, f"step#{key}")

    def keep(self, key: str, text: str) -> str:
        if len(text) > PART_BYTES:
            raise StepTooLarge(key, len(text), PART_BYTES)
        return self._store.put_part(self._id, f"step#{key}", text, self._ttl())

    def once(self, key: str, run: Callable[[], str], using: str | None) -> str:
        if not apps.is_installed(EFFECTS):
            raise ConfigurationError(
                self._alias,
                f"context.atomic() needs the app {EFFECTS}, which is not installed.",
                f"Add '{EFFECTS}' to INSTALLED_APPS and run migrate.",
            )
        from ..effects.marker import once

        return once(self._id, key, run, using)
