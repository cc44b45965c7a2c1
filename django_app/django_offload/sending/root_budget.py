"""
The budget of a root: how many tasks may descend from it, counted in one item of the stack's table.

Each enqueue() by a task, and each hundred tasks of its enqueue_many(), is counted before anything is sent. A
task that isn't sent in the end has used its place, so there are never more tasks than the limit.
"""

import secrets as randomness
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..aws import at_most
from ..conf import Options
from ..definition.context import Budget
from ..exceptions import OutOfTime
from ..protocol.conditional_write import Refused
from ..protocol.enqueued_task import EnqueuedTask
from ..protocol.record import RECORD_LIFE
from ..protocol.transitions import spend
from ..stores import Store

# A task waits for AWS at most this long before it sends.
SPEND_SECONDS = 8.0
# Each refusal has a new reason. More of them than this means that many tasks count at the same time.
MOST_TRIES = 20


class RootBudget(Budget):
    """The budget in the stack of a task that runs."""

    def __init__(self, store: Store, enqueued: EnqueuedTask, options: Options) -> None:
        self.store, self.options, self.limit = store, options, options.enqueues_per_root
        self.root = enqueued.root or enqueued.id

    def spend(self, wanted: int, start_at: datetime) -> int:
        if self.limit is None:
            return wanted
        wanted, ttl = min(wanted, self.limit), self.ttl(start_at)
        with at_most(SPEND_SECONDS):
            for _ in range(MOST_TRIES):
                # Fresh for every try, so that a write whose reply was lost is recognised.
                change = spend(count=wanted, limit=self.limit, token=randomness.token_hex(8), ttl=ttl)
                try:
                    self.store.change(f"b:{self.root}", change)
                except Refused as refused:
                    if refused.already_applied:
                        return wanted
                    current: Mapping[str, Any] = refused.current or {}
                else:
                    return wanted
                # Fewer may fit. Or a task that starts later needs the item for longer than this one.
                wanted = min(wanted, self.limit - current.get("spent", 0))
                ttl = max(ttl, current.get("ttl", 0))
                if wanted <= 0:
                    return 0
        raise OutOfTime(f"Counting the tasks of root id={self.root}")

    def ttl(self, start_at: datetime) -> int:
        """Return when nothing that starts then can enqueue any more, in seconds since 1970."""
        lives = (self.options.ttl(queue) for queue in self.options.queues)
        return int((start_at + 2 * RECORD_LIFE + max(lives)).timestamp())
