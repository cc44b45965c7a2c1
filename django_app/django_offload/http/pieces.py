"""The piece of a page that shows a task's progress: its state in words, a bar, and where to poll."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from ..definition.offload_task import AnyResult
from ..exceptions import UnreadableRecord
from ..logs.escaping import printable
from ..operations.duplicates import followed
from ..operations.status import retry_after
from ..protocol.record import FAILED, READY, RUNNING, SUCCESSFUL, TaskRecord
from ..protocol.transitions import CANCELLED
from .access import NOT_FOUND, get_task_or_404, has_record
from .links import is_link
from .tokens import piece_token
from .unavailable import log_unreachable, unreachable

# The status while AWS doesn't answer.
UNKNOWN = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceWords:
    """The arguments of the template tag. A signed token carries them, so that each answer repeats them."""

    label: str = ""  # The accessible name of the bar.
    then: str = ""  # The address of the link that appears when the task is done.
    link: str = ""  # The text of that link.
    htmx: bool = False  # True if htmx polls instead of the library's script.

    def __post_init__(self) -> None:
        """Drop an address that no page may link to, also one in a token of an earlier release."""
        if self.then and not is_link(self.then):
            object.__setattr__(self, "then", "")

    @classmethod
    def from_token(cls, words: Mapping[str, Any]) -> Self:
        """Return the words of a token. Ignore unknown ones, because another release may have signed it."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in words.items() if name in names})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskProgress:
    """What visitors see of a task."""

    id: str
    status: str
    attempts: int = 0
    cancelled: bool = False
    progress: dict[str, Any] | None = None
    wait: int = 1  # Seconds until the next poll.
    has_record: bool = True  # Without a record, as in other backends, there is nothing to poll.

    @classmethod
    def from_record(cls, record: TaskRecord, task_id: str) -> Self:
        """Return the progress of a record, under its id, or that of a duplicate whose work it does."""
        return cls(
            id=task_id,
            status=record.status,
            attempts=record.attempts,
            cancelled=bool(record.error and record.error["class"] == CANCELLED),
            progress=record.progress,
            wait=retry_after(record, datetime.now(UTC)),
        )

    @classmethod
    def of(cls, task: AnyResult | str) -> Self:
        """
        Return the progress of a task, given its result or id. Raise Http404 if an id has no record.

        Read the record for an id and for a RUNNING result, because a result doesn't hold its progress.
        """
        if isinstance(task, str):
            return cls.read(task)
        stored = has_record(task)
        if stored and task.status == RUNNING:
            return cls.read(task.id)
        return cls(
            id=task.id,
            status=task.status.value,
            attempts=task.attempts,
            cancelled=bool(task.errors and task.errors[-1].exception_class_path == CANCELLED),
            has_record=stored,
        )

    @classmethod
    def read(cls, task_id: str) -> Self:
        """Return a record's progress, or UNKNOWN if AWS doesn't answer, so that a page shows the rest."""
        try:
            return cls.from_record(followed(get_task_or_404(task_id)).record, task_id)
        except UnreadableRecord as exc:
            raise Http404(NOT_FOUND) from exc
        except unreachable() as exc:
            log_unreachable(task_id, exc)
            return cls(id=task_id, status=UNKNOWN)

    @property
    def ended(self) -> bool:
        return self.status in {SUCCESSFUL, FAILED}

    @property
    def percent(self) -> int | None:
        """The finished part of the work, or None if it is unknown."""
        if self.status == SUCCESSFUL:
            return 100
        total = self.progress.get("total") if self.progress else None
        if not self.progress or not total:
            return None if self.status in {RUNNING, UNKNOWN} else 0
        done = self.progress["done"]
        if done >= total:
            return 100
        try:
            return int(100 * (done / total))
        except OverflowError:  # An integer that no float can hold, of a float.
            return None

    @property
    def text(self) -> str:
        """The state in words. Screen readers read it out, so it changes seldom."""
        if self.status == UNKNOWN:
            return _("The progress can't be read at the moment")
        if self.status == READY:
            return _("Waiting to be tried again") if self.attempts else _("Waiting to start")
        if self.status == RUNNING:
            attempt = _("Running, attempt %(number)d") % {"number": self.attempts}
            return attempt if self.attempts > 1 else _("Running")
        if self.status == FAILED:
            return _("Cancelled") if self.cancelled else _("Failed")
        return _("Done")

    @property
    def text_hash(self) -> str:
        """A short hash of the text, which tells an answer whether the page already shows it."""
        return sha256(self.text.encode()).hexdigest()[:8]

    @property
    def message(self) -> str:
        """The message that the running task reported."""
        message = (self.progress or {}).get("message") if self.status == RUNNING else ""
        return printable(str(message or ""))


def piece_context(
    task: TaskProgress, words: PieceWords, *, token: str = "", refresh: str = ""
) -> dict[str, Any]:
    """
    Return the context of the piece's templates. Sites override these templates, so its names must stay.

    `poll_url` is where scripts ask, with `token` in the header X-Offload-Token. `url` is a link that contains
    the token. `refresh` is the address of the page that contains the piece.
    """
    context: dict[str, Any] = {"seen": task, "words": words}
    if task.ended or not task.has_record:
        return context
    token = token or piece_token(task.id, {name: value for name, value in asdict(words).items() if value})
    poll_url = reverse("django_offload:progress", args=[task.id])
    url = f"{poll_url}?{urlencode({'token': token})}"
    # htmx sends back the hash of the last text, so that a screen reader reads each text once.
    return {
        **context,
        "url": url,
        "poll_url": poll_url,
        "token": token,
        "refresh": printable(str(refresh)) if refresh and is_link(str(refresh)) else url,
        "said": task.text_hash,
    }
