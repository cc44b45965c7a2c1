"""Designs to compare: the protocol as it is, and three that queues often have, on the same harness."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django_offload.protocol import transitions
from django_offload.protocol.conditional_write import Condition, ConditionalWrite
from django_offload.worker import attempt

type Patches = Mapping[tuple[Any, str], Callable[..., Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The protocol, or what is left of it."""

    name: str
    lacks: str = ""  # In words, for the legend of the table.
    deletes_first: bool = False  # The message goes before its task runs.
    sweeps: bool = True
    atomic: bool = True  # Effects happen in a transaction with a marker.
    patches: Patches = field(default_factory=dict)


def _claim_always(*args: Any, **options: Any) -> ConditionalWrite:
    """Claim whatever the record says."""
    return replace(transitions.claim(*args, **options), conditions=((),))


def _claim_for_ever(*args: Any, lease_until: datetime, **options: Any) -> ConditionalWrite:
    """Claim with a lease that never ends."""
    return transitions.claim(*args, lease_until=lease_until + timedelta(days=3650), **options)


def _held_by_anyone(fence: int, token: str) -> tuple[Condition, ...]:
    """Let whoever finishes write."""
    return ()


OURS = Design(name="django-offload")
NAIVE = Design(
    name="naive",
    lacks="deletes a message before its task runs; no conditions, sweeper or markers of effects",
    deletes_first=True,
    sweeps=False,
    atomic=False,
    patches={(attempt, "claim"): _claim_always, (transitions, "holds_claim"): _held_by_anyone},
)
CLAIM_ONCE = Design(
    name="claim-once",
    lacks="a claim never expires; no sweeper or markers of effects",
    sweeps=False,
    atomic=False,
    patches={(attempt, "claim"): _claim_for_ever},
)
UNFENCED = Design(
    name="unfenced",
    lacks="whoever comes late stores an outcome all the same; no markers of effects",
    atomic=False,
    patches={(transitions, "holds_claim"): _held_by_anyone},
)
OTHERS = (NAIVE, CLAIM_ONCE, UNFENCED)
