"""What a piece of a page shows of a task: its state in words, how far it is, where to ask again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from ..definition.offload_task import AnyResult
from ..operations.status import retry_after
from ..protocol.record import FAILED, READY, RUNNING, SUCCESSFUL, TaskRecord
from ..protocol.transitions import CANCELLED
from .access import has_record, readable_task
from .tokens import piece_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a page says beside the progress; it travels signed, so that each answer says the same."""

    label: str = ""  # The accessible name of the bar.
    then: str = ""  # Where a link leads once the task is done …
    link: str = ""  # … and what it says.
    htmx: bool = False  # Polled by htmx's attributes instead of our script.

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Return the words of a token, which another release may have made."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in given.items() if key in known})


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What visitors see of a task."""

    id: str
    status: str
    attempts: int = 0
    cancelled: bool = False
    progress: dict[str, Any] | None = None
    wait: int = 1  # Seconds until it is worth asking again.
    kept: bool = True  # In a record, which can be asked for; other backends have none.

    @classmethod
    def in_record(cls, record: TaskRecord) -> Self:
        return cls(
            id=record.enqueued.id,
            status=record.status,
            attempts=record.attempts,
            cancelled=bool(record.error and record.error["class"] == CANCELLED),
            progress=record.progress,
            wait=retry_after(record, datetime.now(UTC)),
        )

    @classmethod
    def of(cls, task: AnyResult | str) -> Self:
        """
        Return what is seen of a result, or of a task's id.

        A result that is RUNNING is looked up as an id is: it does not know its progress.
        """
        if isinstance(task, str):
            return cls.in_record(readable_task(task).record)
        kept = has_record(task)
        if kept and task.status == RUNNING:
            return cls.in_record(readable_task(task.id).record)
        return cls(
            id=task.id,
            status=task.status.value,
            attempts=task.attempts,
            cancelled=bool(task.errors and task.errors[-1].exception_class_path == CANCELLED),
            kept=kept,
        )

    @property
    def ended(self) -> bool:
        return self.status in {SUCCESSFUL, FAILED}

    @property
    def percent(self) -> int | None:
        """How much is done; None where nobody can tell."""
        if self.status == SUCCESSFUL:
            return 100
        total = self.progress.get("total") if self.progress else None
        if not self.progress or not total:
            return None if self.status == RUNNING else 0
        return max(0, min(100, int(100 * self.progress["done"] / total)))

    @property
    def text(self) -> str:
        """The state in words, which change seldom: they are read out."""
        if self.status == READY:
            return _("Waiting to be tried again") if self.attempts else _("Waiting to start")
        if self.status == RUNNING:
            attempt = _("Running, attempt %(number)d") % {"number": self.attempts}
            return attempt if self.attempts > 1 else _("Running")
        if self.status == FAILED:
            return _("Cancelled") if self.cancelled else _("Failed")
        return _("Done")

    @property
    def said(self) -> str:
        """The text, for comparison."""
        return sha256(self.text.encode()).hexdigest()[:8]

    @property
    def message(self) -> str:
        """What the task says of itself while it runs."""
        return (self.progress or {}).get("message") or "" if self.status == RUNNING else ""


def drawn(seen: Seen, words: Words, *, token: str = "", refresh: str = "") -> dict[str, Any]:
    """Return what the templates of a piece need; `refresh` leads to the page that holds it."""
    context: dict[str, Any] = {"seen": seen, "words": words}
    if seen.ended or not seen.kept:
        return context
    token = token or piece_token(seen.id, {key: value for key, value in asdict(words).items() if value})
    url = f"{reverse('django_offload:progress', args=[seen.id])}?{urlencode({'token': token})}"
    # htmx asks with what was read out last, so that it is read out once.
    return {**context, "url": url, "refresh": refresh or url, "said": seen.said}
