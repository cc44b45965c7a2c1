"""Progress of a running attempt, written to its record."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..definition.context import Reporter
from ..exceptions import DeadlineExceeded
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.record import MESSAGE_CHARACTERS, read_record
from ..protocol.record_size import free_bytes, truncate
from ..protocol.transitions import report
from ..stores import Store
from .deadline import LambdaInvocation

if TYPE_CHECKING:
    from ..definition.masking import Mask

logger = logging.getLogger("django_offload")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressWriter(Reporter):
    """
    Writes under the attempt's own claim; a claim that another worker took over counts as cancelled.

    A write that AWS refuses is logged: progress never fails a task.
    """

    store: Store
    task_id: str
    fence: int
    token: str
    invocation: LambdaInvocation
    reserve: float  # Seconds before Lambda's deadline at which the task's own time ends.
    claimed: Attributes  # The record as claimed, whose first KB the progress must not leave.
    mask: "Callable[[], Mask | None]"  # Returns what hides the task's sensitive arguments, if it has any.

    def send(self, progress: dict[str, Any]) -> bool:
        try:
            message = self.masked(progress["message"])[:MESSAGE_CHARACTERS]
            fitting = truncate({**progress, "message": message}, free_bytes(self.claimed))
            change = report(fence=self.fence, token=self.token, progress=fitting)
            before = self.store.change(self.task_id, change)
        except Refused:
            return True
        except DeadlineExceeded:
            raise  # The task's own deadline, which passed here.
        except Exception as exc:  # noqa: BLE001, progress never fails a task
            logger.warning("Task id=%s progress was not stored: %s", self.task_id, self.masked(str(exc)))
            return False
        return bool(before and before.get("cancelled"))

    def save_metadata(self, text: str) -> bool:
        from .stored_metadata import save_metadata  # Imported here, because few tasks save any.

        try:
            change = save_metadata(fence=self.fence, token=self.token, text=text)
            before = self.store.change(self.task_id, change)
        except Refused:
            logger.warning("Task id=%s metadata was not saved: another worker has the task", self.task_id)
            return True
        except DeadlineExceeded:
            raise
        except Exception as exc:  # noqa: BLE001, the write that ends the attempt stores it
            logger.warning("Task id=%s metadata is not saved yet: %s", self.task_id, self.masked(str(exc)))
            return False
        return bool(before and before.get("cancelled"))

    def masked(self, text: str) -> str:
        """Return a text without sensitive values, or "" if one of them is too short to be found."""
        mask = self.mask()
        if mask is None:
            return text
        return mask(str(text)) if mask.complete else ""

    def asked_to_stop(self) -> bool:
        try:
            attributes = self.store.get(self.task_id)
        except DeadlineExceeded:
            raise
        except Exception as exc:  # noqa: BLE001, nor does this question
            text = self.masked(str(exc))
            logger.warning("Task id=%s could not ask whether it was cancelled: %s", self.task_id, text)
            return False
        if attributes is None:
            return True
        record = read_record(attributes)
        return record.cancelled or (record.fence, record.token) != (self.fence, self.token)

    def seconds_left(self) -> float:
        return self.invocation.left() - self.reserve
