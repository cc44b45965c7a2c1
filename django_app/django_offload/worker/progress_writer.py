"""Progress of a running attempt, kept in its record."""

import logging
from typing import Any

from ..definition.context import Reporter
from ..exceptions import DeadlineExceeded
from ..protocol.conditional_write import Attributes, Refused
from ..protocol.record import read_record
from ..protocol.record_size import free_bytes, truncate
from ..protocol.transitions import report
from ..stores import Store
from .deadline import LambdaInvocation

logger = logging.getLogger("django_offload")


class StoreReporter(Reporter):
    """
    Writes under the attempt's own claim; a claim lost to another worker counts as cancelled.

    What AWS refuses is logged and forgotten: progress never fails a task.
    """

    def __init__(
        self,
        store: Store,
        task_id: str,
        fence: int,
        token: str,
        invocation: LambdaInvocation,
        ends: float,
        claimed: Attributes | None = None,
    ) -> None:
        self._store, self._id, self._fence, self._token = store, task_id, fence, token
        self._claimed = claimed or {}  # The record, which what is told must leave within its first KB.
        self._invocation, self._ends = invocation, ends  # `ends`: what is left to Lambda's deadline by then.

    def send(self, progress: dict[str, Any]) -> bool:
        try:
            told = truncate(progress, free_bytes(self._claimed))
            change = report(fence=self._fence, token=self._token, progress=told)
            before = self._store.change(self._id, change)
        except Refused:
            return True
        except DeadlineExceeded:
            raise  # The task's own deadline, which struck here.
        except Exception as exc:  # noqa: BLE001, progress never fails a task
            logger.warning("Task id=%s progress was not stored: %s", self._id, exc)
            return False
        return bool(before and before.get("cancelled"))

    def asked_to_stop(self) -> bool:
        try:
            attributes = self._store.get(self._id)
        except DeadlineExceeded:
            raise
        except Exception as exc:  # noqa: BLE001, nor does this question
            logger.warning("Task id=%s could not ask whether it was cancelled: %s", self._id, exc)
            return False
        if attributes is None:
            return True
        record = read_record(attributes)
        return record.cancelled or (record.fence, record.token) != (self._fence, self._token)

    def seconds_left(self) -> float:
        return self._invocation.left() - self._ends
