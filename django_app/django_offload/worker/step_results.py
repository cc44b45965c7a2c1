"""Results of steps, written beside the record of their task."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.apps import apps

from ..conf import Options
from ..definition.context import Journal
from ..definition.registry import result_ttl
from ..exceptions import ConfigurationError, StepTooLarge
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import PART_BYTES, RECORD_LIFE
from ..stores import Store

EFFECTS = "django_offload.effects"


def parts_ttl(clock: Callable[[], datetime], enqueued: EnqueuedTask, options: Options) -> int:
    """Return until when texts beside the record of a task are kept, in seconds since 1970."""
    return int((clock() + RECORD_LIFE + result_ttl(enqueued, options)).timestamp())


@dataclass(frozen=True, slots=True)
class StepResults(Journal):
    """Writes each result as a part of its own. The first one written stays."""

    store: Store
    task_id: str
    alias: str
    ttl: Callable[[], int]  # Until when a part is kept, in seconds since 1970.

    def load(self, key: str) -> str | None:
        return self.store.get_part(self.task_id, f"step#{key}")

    def save(self, key: str, text: str) -> str:
        if len(text) > PART_BYTES:
            raise StepTooLarge(key, len(text), PART_BYTES)
        return self.store.put_part(self.task_id, f"step#{key}", text, self.ttl())

    def once(self, key: str, run: Callable[[], str], using: str | None) -> str:
        if not apps.is_installed(EFFECTS):
            raise ConfigurationError(
                self.alias,
                f"context.atomic() needs the app {EFFECTS}, which is not installed.",
                f"Add '{EFFECTS}' to INSTALLED_APPS and run migrate.",
            )
        from ..effects.marker import once

        return once(self.task_id, key, run, using)
