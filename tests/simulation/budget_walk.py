"""
The budget of one root, and everything that tasks may count against it at random: a second description of it.

After each step, the store must have taken the write exactly where this module allows it, and the item must be
exactly as this module says. It shares no line with protocol/transitions.py.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import Refused
from django_offload.stores.memory import MemoryStore

ITEM, LIMIT, STEPS = "b:" + "0" * 32, 9, 30
# Few of each, so that what must not be mixed up looks alike now and then.
TOKENS, ENDS, COUNTS = ("red", "blue"), (10, 20, 30), (1, 2, 5)


class Miscounted(AssertionError):
    """The budget isn't as this module says."""


@dataclass(slots=True)
class BudgetWalk:
    """One budget, and what it must say."""

    rng: Random
    store: MemoryStore = field(default_factory=MemoryStore)
    item: dict[str, Any] = field(default_factory=dict)

    def run(self) -> None:
        """Count again and again, with tokens that others had. Raise Miscounted if a step went wrong."""
        for _ in range(STEPS):
            count, token, ttl = map(self.rng.choice, (COUNTS, TOKENS, ENDS))
            allowed = not self.item or (
                self.item["spent"] + count <= LIMIT
                and self.item["ttl"] <= ttl
                and self.item["token"] != token
            )
            try:
                self.store.change(ITEM, transitions.spend(count=count, limit=LIMIT, token=token, ttl=ttl))
                made = True
            except Refused:
                made = False
            if made != allowed:
                raise Miscounted(f"{count} were {'taken' if made else 'refused'} where it is {self.item}")
            if made:
                self.item = {"spent": self.item.get("spent", 0) + count, "token": token, "ttl": ttl}
            if self.store.records.get(ITEM, {}) != self.item:
                raise Miscounted(f"it is {self.store.records.get(ITEM)} instead of {self.item}")
