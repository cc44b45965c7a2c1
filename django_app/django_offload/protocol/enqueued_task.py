"""A task as it was enqueued: the content of its message and of its new record."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from .json_codec import EPOCH

# The id of a task, as a regular expression: 128 random bits in hexadecimal digits.
ID_PATTERN = "[0-9a-f]{32}"
is_id = re.compile(ID_PATTERN).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The location and the checksum of a text that is too large for a message or a record."""

    key: str
    sha256: str  # Of its ASCII bytes, in hexadecimal.
    size: int  # Bytes.


# The fields of an enqueued task that a message and a record write in the same way.
FIELD_TYPES: Mapping[str, type] = {
    **dict.fromkeys(
        ("id", "alias", "name", "queue", "owner", "traceparent", "root", "tenant", "unique"), str
    ),
    **dict.fromkeys(("enqueued_at", "run_after", "depth"), int),
}
# What JSON makes of the fields of a reference.
REFERENCE_TYPES: Mapping[str, tuple[type, ...]] = {"key": (str,), "sha256": (str,), "size": (int,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedTask:
    """One task as it was enqueued, before any attempt."""

    id: str  # 32 hexadecimal digits: 128 random bits.
    alias: str  # In TASKS.
    name: str  # In the registry.
    queue: str  # In QUEUES.
    arguments: str = "[[],{}]"  # JSON text of [args, kwargs].
    reference: Reference | None = None  # Where the arguments are, if the message doesn't contain them.
    enqueued_at: datetime
    run_after: datetime | None = None
    owner: str | None = None  # Who may see it: "user:<pk>", "session:<hash>", or a text of the project.
    depth: int = 0  # How many tasks there are between a request and this task.
    traceparent: str | None = None  # The W3C trace context of the caller.
    # The id of the task at the root, against whose budget this one counted; None: nothing counts.
    root: str | None = None
    tenant: str | None = None  # Whose share of the queue it counts as, for fair queues.
    unique: str | None = None  # 32 hexadecimal digits of its unique key, if it has one.
    options: dict[str, Any] = field(default_factory=dict)  # Options changed by .using(), as JSON values.

    @property
    def group(self) -> str | None:
        """
        The group of its messages in SQS (MessageGroupId): one for each tenant, or None without a tenant.

        SQS takes 128 ASCII characters, and shows them to all who may receive messages, so it gets a hash.
        """
        return None if self.tenant is None else sha256(self.tenant.encode()).hexdigest()[:32]

    @property
    def not_before(self) -> datetime:
        """
        The earliest time of a claim: `run_after`, or any time.

        `enqueued_at` is no bound, because the clock of the process that enqueued the task may be ahead.
        """
        return self.run_after or EPOCH

    @property
    def start_at(self) -> datetime:
        """The earliest time at which this task may start."""
        return max(self.enqueued_at, self.run_after or self.enqueued_at)
