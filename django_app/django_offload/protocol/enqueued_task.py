"""All that is known of a task when it is enqueued: what its message and its record begin with. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .json_codec import EPOCH

# The id of a task, as a regular expression: 128 random bits in hexadecimal digits.
ID_PATTERN = "[0-9a-f]{32}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where a text too large for a message or a record is kept, and how to know it again."""

    key: str
    sha256: str  # Of its ASCII bytes, in hexadecimal.
    size: int  # Bytes.


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedTask:
    """One enqueued task, before anything happened to it."""

    id: str  # 32 hexadecimal digits: 128 random bits.
    alias: str  # Of TASKS.
    name: str  # By which the registry knows the task.
    queue: str  # Of QUEUES.
    arguments: str = "[[],{}]"  # JSON text of [args, kwargs].
    reference: Reference | None = None  # Where the arguments are, if they do not travel themselves.
    enqueued_at: datetime
    run_after: datetime | None = None
    owner: str | None = None  # Who may see it: "user:<pk>", "session:<hash>", or the project's own.
    depth: int = 0  # How many tasks stand between this one and a request.
    traceparent: str | None = None  # W3C trace context of the caller.
    options: dict[str, Any] = field(default_factory=dict)  # What .using() changed, as JSON values.

    @property
    def not_before(self) -> datetime:
        """No claim before this: `run_after`; else ever, for the clock that enqueued it may be ahead."""
        return self.run_after or EPOCH

    @property
    def start_at(self) -> datetime:
        """The earliest this task may start."""
        return max(self.enqueued_at, self.run_after or self.enqueued_at)
